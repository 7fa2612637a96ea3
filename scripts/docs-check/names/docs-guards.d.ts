declare const cache: { get(key: string): Promise<unknown[]> }
declare function sums(): unknown
declare function loadList(): Promise<unknown[]>
