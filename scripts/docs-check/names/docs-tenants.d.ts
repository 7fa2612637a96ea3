declare function idOf(claim: string): Promise<string>
