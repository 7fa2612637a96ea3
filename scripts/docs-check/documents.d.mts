export function documentsOf(root: string): readonly string[]
