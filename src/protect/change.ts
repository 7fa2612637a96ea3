import type { TenantSetting } from './sql-text.ts'

/**
 * The parts of a migration, in the order in which they run. What scans or rewrites many rows stands before the short
 * transaction that takes locks; what refuses a transaction stands apart.
 *
 * `columns` adds tenant columns; `backfill` fills them; `indexes` builds concurrently; `keys` adds constraints that are not
 * yet checked; `validate` checks them; `protect` is one transaction: row security, policies, triggers, grants.
 */
export const PHASES = ['columns', 'backfill', 'indexes', 'keys', 'validate', 'protect'] as const
export type Phase = (typeof PHASES)[number]

/** Phases whose statements must not run inside a transaction, since each commits or builds concurrently. */
export const APART: ReadonlySet<Phase> = new Set<Phase>(['backfill', 'indexes', 'validate'])

/** One thing that is missing, and its way back. Every statement may run twice. */
export interface Change {
  readonly phase: Phase
  /** `schema.table`, `schema public`, `database`: the heading it stands under. */
  readonly object: string
  readonly up: readonly string[]
  readonly down: readonly string[]
  /** Instead of `up` where a tool runs everything in one transaction. */
  readonly upTogether?: readonly string[]
  /** Instead of `down` where a tool runs everything in one transaction. */
  readonly downTogether?: readonly string[]
}

/** What only a person can decide; SQL in it is commented out. */
export interface Decision {
  readonly object: string
  readonly reason: string
  /** What the person may run, once decided. */
  readonly sql?: string
}

export interface Part {
  readonly changes: readonly Change[]
  readonly decisions: readonly Decision[]
}

export const NOTHING: Part = { changes: [], decisions: [] }

/** What `protect` would write. No changes: the schema holds what it can give. */
export interface ProtectPlan {
  /** What names the tenant in the policies that are written. */
  readonly setting: TenantSetting
  readonly changes: readonly Change[]
  readonly decisions: readonly Decision[]
  /** What was found, as sentences. */
  readonly notes: readonly string[]
}
