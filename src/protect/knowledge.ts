import type { Oid, Relation } from '../catalog/model.ts'

/** Facts about the existing schema. Without them a plan assumes that no policy protects anything and that nothing would break. */
export interface Knowledge {
  /** Roles of the application that do not use the setting to name their tenant. No policy on the setting may apply to them. */
  readonly exempt: ReadonlySet<Oid>
  /** The call by which the schema's policies read the session, such as `auth.uid()`, if it is no setting with a tenant. */
  readonly asksFor: string | undefined
  /** Types of the columns that existing policies compare with the context. */
  readonly contextTypes: ReadonlySet<string>
  /** Whether each verb of each role in reach (docs/glossary.md) is proved to reach only rows of its own tenant, or reaches no row. */
  readonly isHeld: (relation: Relation) => boolean
  /** Whether some rows are meant for all tenants, by a flag or by a NULL tenant. */
  readonly sharesRows: (relation: Relation) => boolean
  /** Functions, views and refreshes that read the table with its owner's rights. */
  readonly readAsOwner: (relation: Relation) => readonly string[]
}

export const NO_KNOWLEDGE: Knowledge = {
  exempt: new Set(),
  asksFor: undefined,
  contextTypes: new Set(),
  isHeld: () => false,
  sharesRows: () => false,
  readAsOwner: () => [],
}
