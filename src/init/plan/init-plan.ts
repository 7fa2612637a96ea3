/** A file that init writes. Paths are relative to the project, with `/` between parts. */
export type PlannedFile =
  /** A new file. Nothing may be there yet. */
  | { readonly kind: 'create'; readonly path: string; readonly content: string; readonly why: string }
  /** A change of a file of the project. */
  | {
      readonly kind: 'edit'
      readonly path: string
      readonly before: string
      readonly content: string
      readonly why: string
    }
  /** Lines at the end of a file, which is created if it is missing. With `secret`, no output and no record holds the lines. */
  | {
      readonly kind: 'append'
      readonly path: string
      readonly block: string
      readonly secret: boolean
      /** Variables whose lines in the file become comments, because `block` sets them anew. Only with `secret`. */
      readonly replaced?: readonly string[]
      readonly why: string
    }

/** Lines that a person must change, because the tool can't know them. */
export interface ByHand {
  readonly path: string
  readonly why: string
  readonly lines: readonly string[]
}

/** Changes of the code: safe edits, and changes that are left to a person. */
export interface Wiring {
  readonly edits: readonly PlannedFile[]
  readonly byHand: readonly ByHand[]
}

/** What init needs to know of the tenants in the database. */
export interface TenantFacts {
  /** `org_id` */
  readonly column: string
  /** The table of tenants, quoted for SQL, and its key. */
  readonly table: string
  readonly schema: string
  readonly tableName: string
  readonly key: string
  /** The columns for status and tier in the table of tenants, if it has them. */
  readonly status: string | undefined
  readonly tier: string | undefined
  /** Schemas to look at: all but those that hold only the journal of a migration tool. */
  readonly schemas: readonly string[]
  /** The schemas in which the application has tables, and not only its migration tool. */
  readonly searchPath: readonly string[]
  /** Tables with rows of tenants, `schema.table`. */
  readonly tables: readonly string[]
  /** These tables without the table of tenants, quoted for SQL. */
  readonly otherTables: readonly string[]
}
