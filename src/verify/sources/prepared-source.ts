/** A database that a source filled, with what a reader of the report must know of it. */
export interface PreparedSource {
  /** Superuser URL of the throw-away database. */
  readonly url: string
  /** The root secret whose key the database holds; undefined where the schema has no partywall in it. */
  readonly sealSecret: string | undefined
  /** What was read, in the order of reading, for people. */
  readonly notes: readonly string[]
  /** What such a source can't hold; it stays `unproved`. */
  readonly gaps: readonly string[]
  /** The files that were run. */
  readonly files: readonly string[]
  /** Roles that were named and not created, and which were therefore made (NOLOGIN). */
  readonly rolesAdded: readonly string[]
  /** Where the source makes an object: `public.documents`; undefined where that is not known. */
  locate(object: string): { readonly file: string; readonly line: number } | undefined
  /**
   * Makes a login with the usual grants on all that the source made, for a schema that names no role of the application.
   * Undefined where the database is not this run's own.
   */
  readonly makeAppRole: (() => Promise<MadeRole>) | undefined
  close(): Promise<void>
}

/** A role that was made for one run. */
export interface MadeRole {
  readonly name: string
  /** Lines that make one like it for good. */
  readonly setUp: readonly string[]
}

export interface SourceOptions {
  /** Told of each step. */
  readonly onProgress?: (line: string) => void
  readonly signal?: AbortSignal | undefined
}
