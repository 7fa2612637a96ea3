import type { Catalog } from '../../catalog/catalog.ts'
import type { Column, Oid, Relation } from '../../catalog/model.ts'
import type { SqlReader } from '../../sql/reader.ts'
import type { FunctionFinder, SettingUse } from './settings.ts'

/** A vote: a policy compares this column with the value of a setting. */
export interface ColumnVote {
  readonly relation: Relation
  readonly column: string
  readonly use: SettingUse
  /** `indirect`: through a lookup, or as an argument of a helper. */
  readonly via: 'direct' | 'indirect'
  /** Roles of the policy; 0 is PUBLIC. Empty for votes from views and SECURITY DEFINER functions. */
  readonly roles: readonly Oid[]
  /** The call by which the policy reads the session, such as `auth.uid()`, if it uses one. */
  readonly call: SessionCall | undefined
}

/**
 * The call by which policies read the session. Fixes use this call too, because it is not certain that sessions set the setting
 * that discovery found inside the function.
 */
export interface SessionCall {
  readonly sql: string
  readonly type: string
}

/** A vote: a lookup compares this column with a setting, so the setting holds a key of this table. */
export interface KeyVote {
  readonly table: Relation
  readonly column: Column
  readonly use: SettingUse
  readonly roles: readonly Oid[]
  readonly call: SessionCall | undefined
}

export interface Evidence {
  readonly columns: readonly ColumnVote[]
  readonly keys: readonly KeyVote[]
  /** Settings that one COALESCE chooses among. */
  readonly coalesced: readonly (readonly SettingUse[])[]
}

/** The votes that are collected while policies are read. */
export interface Gathering {
  readonly catalog: Catalog
  readonly sql: SqlReader
  readonly functions: FunctionFinder
  readonly columns: ColumnVote[]
  readonly keys: KeyVote[]
  readonly coalesced: (readonly SettingUse[])[]
  /** Helper functions that were already visited for the current policy. */
  readonly seen: Set<Oid>
  readonly roles: readonly Oid[]
}
