/** An input file, with its size and digest as `ls -l` and `sha256sum` show them. */
export interface InputFile {
  /** Its path as the user wrote it. */
  readonly name: string
  readonly bytes: number
  /** In hex, of the whole file. */
  readonly sha256: string
  /** The name of the migration of partywall with the same bytes, if there is one: `0001_seal.sql`. */
  readonly ofPartywall?: string
  /** The file's statements, as a report may show them. Left out for a file that holds no SQL of the schema. */
  readonly statements?: readonly SourceStatement[]
}

/** One statement of a file. */
export interface SourceStatement {
  /** The line of its first word, from 1. */
  readonly line: number
  readonly text: string
}

/** A database that was filled from a source, with the notes about it for the report. */
export interface PreparedSource {
  /** Superuser URL of the throw-away database. */
  readonly url: string
  /** The root secret whose key is in the database. Undefined if the schema does not use partywall. */
  readonly sealSecret: string | undefined
  /** Notes on what was read, in the order of reading. */
  readonly notes: readonly string[]
  /** Facts that this kind of source can't contain. They stay `unproved`. */
  readonly gaps: readonly string[]
  /** The files that were run. */
  readonly files: readonly InputFile[]
  /** partywall's own migrations, if verify ran them before the files. They are files of the package. */
  readonly ownFiles: readonly InputFile[]
  /** Roles that the source mentions but does not create. They were created as NOLOGIN. */
  readonly rolesAdded: readonly string[]
  /** File and line that create an object such as `public.documents`. Undefined if not known. */
  locate(object: string): { readonly file: string; readonly line: number } | undefined
  /**
   * Creates a login with the usual grants on all objects of the source, for a schema that names no role of the application.
   * Undefined if the database was not made for this run.
   */
  readonly makeAppRole: (() => Promise<MadeRole>) | undefined
  close(): Promise<void>
}

/** A role that was created for one run. */
export interface MadeRole {
  readonly name: string
  /** Statements that create such a role permanently. */
  readonly setUp: readonly string[]
}

export interface SourceOptions {
  /** Called with a line of text for each step. */
  readonly onProgress?: (line: string) => void
  readonly signal?: AbortSignal | undefined
}
