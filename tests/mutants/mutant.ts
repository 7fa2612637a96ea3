/** One edit of a source. */
interface Edit {
  readonly file: string
  /** Occurs once in the file. */
  readonly find: string
  readonly replace: string
}

/** A part of the sources that is taken out. */
export interface Mutant {
  /** Says what is missing. */
  readonly name: string
  readonly edits: readonly Edit[]
  /** Suites that do not use the part, by the names of their files, and why. Each was seen to pass without it. */
  readonly unused?: Readonly<Record<string, string>>
}

/** A mutant with one edit. */
export const without = (name: string, file: string, find: string, replace = ''): Mutant => ({
  name,
  edits: [{ file, find, replace }],
})
