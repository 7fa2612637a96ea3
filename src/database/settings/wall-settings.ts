import type { TenantFrame } from '../../context/frame.ts'
import type { SecurityEvents } from '../../events/security-events.ts'
import type { Logger } from '../../logger/logger.ts'
import type { TenantLevel } from '../../seal/seal.ts'
import type { SealSource } from '../../seal/seal-source.ts'
import type { TicketBook } from '../../seal/ticket-book.ts'
import type { ProtectionGate } from './protection-gate.ts'

/** Settings that all connections of one pool share. The options were validated before. */
export interface WallSettings {
  /** `tenant`: serves tenants, and contexts of `runWithoutTenant`. `across`: serves only `runAcrossTenants`. */
  readonly serves: 'tenant' | 'across'
  readonly settingName: string
  /** Value for `search_path`, with `pg_temp` last. */
  readonly searchPath: string
  /** Value for `search_path` of a tenant with a schema of its own: this schema, the lookup schemas, and `pg_temp` last. */
  readonly pathOf: (schema: string) => string
  /** Schemas behind the tenant's own schema in its path. */
  readonly lookupSchemas: readonly string[]
  /** Schemas in the paths of all tenants: shared tables and lookups. No tenant may be placed in one of them. */
  readonly commonSchemas: ReadonlySet<string>
  readonly statementTimeoutMs: number
  readonly lockTimeoutMs: number
  /** 0: the server's own setting. */
  readonly idleInTransactionTimeoutMs: number
  /** Behind a transaction pooler: unnamed context statement, no backend pid in the seal. */
  readonly pooler: boolean
  /** The connection is pipelined and serves several tenants at once. It runs only single statements, each with its whole context. */
  readonly shared: boolean
  /** Whether the context statement sets a database role. */
  readonly setsRole: boolean
  readonly levelOf: (context: TenantFrame) => TenantLevel
  readonly seal: SealSource | undefined
  /** The tickets of the pool. Undefined without a seal. */
  readonly tickets: TicketBook | undefined
  readonly allowStatements: ReadonlySet<string>
  readonly multiStatements: boolean
  readonly readOnlyOnSafeMethods: boolean
  /** How long an answer may take before the connection is considered broken; 0 for no limit. */
  readonly answerTimeoutMs: number
  /** Counts seconds while the pool is open: a cheap clock for statements that get no answer. */
  readonly clock: { readonly tick: number }
  /** Tells whether the database still keeps tenants apart. */
  readonly protection: ProtectionGate | undefined
  /** Limit for one message, and for one buffered answer. */
  readonly maxResultBytes: number
  /** How often a text must be sent to be prepared under a name of ours; 0 for never. */
  readonly prepareThreshold: number
  readonly events: SecurityEvents | undefined
  readonly logger: Logger
}
