import type { Oid, Relation } from '../catalog/model.ts'

/** Facts about the existing schema. Without them a plan assumes that no policy protects anything and that nothing would break. */
export interface Knowledge {
  /** Roles of the application that do not use the setting to name their tenant. No policy on the setting may apply to them. */
  readonly exempt: ReadonlySet<Oid>
  /** If the policies do not read the tenant from a setting: the function call that they use instead, such as `auth.uid()`. */
  readonly sessionCall: string | undefined
  /** Types of the columns that existing policies compare with the context. */
  readonly contextTypes: ReadonlySet<string>
  /**
   * Whether it is proved, for each role in reach (docs/glossary.md) and each verb, that the role reaches no rows, or only rows of the
   * session's tenant.
   */
  readonly isProved: (relation: Relation) => boolean
  /** Whether some rows are meant for all tenants, by a flag or by a NULL tenant. */
  readonly sharesRows: (relation: Relation) => boolean
  /** Functions, views, and REFRESH of materialized views, that read the table with the rights of the table's owner. */
  readonly readAsOwner: (relation: Relation) => readonly string[]
}

export const NO_KNOWLEDGE: Knowledge = {
  exempt: new Set(),
  sessionCall: undefined,
  contextTypes: new Set(),
  isProved: () => false,
  sharesRows: () => false,
  readAsOwner: () => [],
}
