export interface Block {
  readonly language: string
  readonly words: readonly string[]
  readonly line: number
  readonly code: string
  readonly unchecked: string | undefined
}
export function blocksOf(markdown: string): readonly Block[]
export function withoutCode(markdown: string): string
