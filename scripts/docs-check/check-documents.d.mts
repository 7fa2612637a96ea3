export interface Fault {
  readonly document: string
  readonly line: number
  readonly message: string
}
export function checkDocuments(
  root: string,
  documents: readonly { readonly path: string; readonly markdown: string }[],
): Promise<{
  readonly faults: readonly Fault[]
  readonly unchecked: readonly { readonly document: string; readonly line: number; readonly reason: string }[]
  readonly counts: Readonly<Record<string, number>>
}>
