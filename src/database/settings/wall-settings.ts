import type { TenantFrame } from '../../context/frame.ts'
import type { SecurityEvents } from '../../events/security-events.ts'
import type { Logger } from '../../logger/logger.ts'
import type { TenantLevel } from '../../seal/seal.ts'
import type { SealSource } from '../../seal/seal-source.ts'
import type { ProtectionGate } from './protection-gate.ts'

/** What every connection of one pool knows; options checked once, then trusted. */
export interface WallSettings {
  /** `tenant` serves tenants (and explicitly empty contexts); `across` serves crossings alone. */
  readonly serves: 'tenant' | 'across'
  readonly settingName: string
  /** As `search_path` takes it, `pg_temp` last. */
  readonly searchPath: string
  readonly statementTimeoutMs: number
  readonly lockTimeoutMs: number
  /** 0: what the server has. */
  readonly idleInTransactionTimeoutMs: number
  /** Behind a transaction pooler: unnamed context statement, no backend pid in the seal. */
  readonly pooler: boolean
  /** The connection is pipelined and serves several tenants at once: only single statements, each with its whole context. */
  readonly shared: boolean
  /** Whether the context statement sets a database role. */
  readonly setsRole: boolean
  readonly levelOf: (context: TenantFrame) => TenantLevel
  readonly seal: SealSource | undefined
  readonly allowStatements: ReadonlySet<string>
  readonly multiStatements: boolean
  readonly readOnlyOnSafeMethods: boolean
  /** How long an answer may take before the connection counts as broken; 0 for ever. */
  readonly answerTimeoutMs: number
  /** Counts seconds while the pool is open: a cheap clock for statements that get no answer. */
  readonly clock: { readonly tick: number }
  /** Whether the database still protects what is asked for. */
  readonly protection: ProtectionGate | undefined
  /** Of one message, and of one buffered answer. */
  readonly maxResultBytes: number
  readonly events: SecurityEvents | undefined
  readonly logger: Logger
}
