import type { Oid, Relation } from '../catalog/model.ts'

/** What was found out about the schema as it is. Without it a plan assumes that nothing holds and nothing stands in the way. */
export interface Knowledge {
  /** Roles of the application that name their tenant in another way than the setting: nothing may bind them to it. */
  readonly exempt: ReadonlySet<Oid>
  /** How the policies of the schema ask for the session, where that is no tenant in a setting: `auth.uid()`. */
  readonly asksFor: string | undefined
  /** Types of the columns that policies compare with the context today; empty where none does. */
  readonly contextTypes: ReadonlySet<string>
  /** Every verb of every role in reach is proved to stay within the tenant, or closed. */
  readonly isHeld: (relation: Relation) => boolean
  /** Some of its rows are meant for all tenants, by a flag of the row or a tenant that is NULL. */
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
