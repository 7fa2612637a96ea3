import type { Catalog } from '../../catalog/catalog.ts'
import type { Column, Oid, Relation } from '../../catalog/model.ts'
import type { SqlReader } from '../../sql/reader.ts'
import type { FunctionFinder, SettingUse } from './settings.ts'

/** A policy compares this column with what a setting gives. */
export interface ColumnVote {
  readonly relation: Relation
  readonly column: string
  readonly use: SettingUse
  /** `indirect`: through a lookup, or as an argument of a helper. */
  readonly via: 'direct' | 'indirect'
  /** Of the policy; 0 is PUBLIC. Empty for what views and definer code say. */
  readonly roles: readonly Oid[]
  /** The call that the policy reads the session by, where it is one: `auth.uid()`. */
  readonly call: SessionCall | undefined
}

/** How policies ask who the session is, kept for the fixes: a setting that was read out of the call may not be set by anybody. */
export interface SessionCall {
  readonly sql: string
  readonly type: string
}

/** A lookup compares this column with a setting: the setting is a key into this table. */
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

/** What is gathered while policies are read. */
export interface Gathering {
  readonly catalog: Catalog
  readonly sql: SqlReader
  readonly functions: FunctionFinder
  readonly columns: ColumnVote[]
  readonly keys: KeyVote[]
  readonly coalesced: (readonly SettingUse[])[]
  /** Helpers of the policy that is read, and its roles. */
  readonly seen: Set<Oid>
  readonly roles: readonly Oid[]
}
