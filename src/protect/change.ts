import type { CrossingCheck } from './crossing/crossing-check.ts'
import type { TenantSetting } from './sql-text.ts'

/**
 * The phases of a migration, in the order in which they run. Statements that scan or rewrite many rows come before the short transaction
 * that takes locks. Statements that can't run in a transaction have separate phases.
 *
 * - `columns` adds tenant columns;
 * - `backfill` fills the new columns;
 * - `indexes` builds indexes concurrently;
 * - `keys` adds constraints as NOT VALID;
 * - `validate` validates these constraints;
 * - `protect` is one transaction with row-level security, policies, triggers and grants.
 */
export const PHASES = ['columns', 'backfill', 'indexes', 'keys', 'validate', 'protect'] as const
export type Phase = (typeof PHASES)[number]

/** Phases whose statements must not run inside a transaction. Each of these statements contains a COMMIT or uses CONCURRENTLY. */
export const APART: ReadonlySet<Phase> = new Set<Phase>(['backfill', 'indexes', 'validate'])

/** One change with its down migration. Every statement can be run twice. */
export interface Change {
  readonly phase: Phase
  /** The heading of the change in the file: `schema.table`, `schema public` or `database`. */
  readonly object: string
  readonly up: readonly string[]
  readonly down: readonly string[]
  /** Used instead of `up` if a tool runs everything in one transaction. */
  readonly upTogether?: readonly string[]
  /** Used instead of `down` if a tool runs everything in one transaction. */
  readonly downTogether?: readonly string[]
  /** The change applies the policies to the owner of the table, who is no superuser and has no BYPASSRLS. */
  readonly bindsOwner?: true
}

/** A decision that only a person can make. Its SQL is commented out. */
export interface Decision {
  readonly object: string
  readonly reason: string
  /** SQL to run after the decision. */
  readonly sql?: string
}

export interface Part {
  readonly changes: readonly Change[]
  readonly decisions: readonly Decision[]
}

export const NOTHING: Part = { changes: [], decisions: [] }

/** The plan of `protect`. Without changes, the schema has all the protection that `protect` can add. */
export interface ProtectPlan {
  /** The setting that names the tenant in the written policies. */
  readonly setting: TenantSetting
  readonly changes: readonly Change[]
  readonly decisions: readonly Decision[]
  /** The choices of discovery, as sentences. */
  readonly notes: readonly string[]
  /** Queries for rows that refer to another tenant's row, one for each foreign key without the tenant. */
  readonly crossingChecks: readonly CrossingCheck[]
}
