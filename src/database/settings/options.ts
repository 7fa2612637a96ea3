import type pg from 'pg'
import { z } from 'zod'
import type { TenantContext } from '../../context/tenant-context.ts'
import type { SecurityEvents } from '../../events/security-events.ts'
import type { Logger } from '../../logger/logger.ts'
import type { TenantLevel } from '../../seal/seal.ts'
import type { SecretSource } from '../../seal/seal-source.ts'
import type { ProtectionGate } from './protection-gate.ts'

/** The seal's root secret; the database holds the key that is derived from it (`partywall migrate`). */
export interface SealOptions {
  /**
   * At least 32 random characters, or a function that fetches them. All processes of the application use the same secret. `undefined`, as
   * from an environment variable that is not set, is refused when the pool is made.
   */
  readonly secret: SecretSource | undefined
  /** The secret before the last rotation. The key of that secret may still be in the database. */
  readonly previousSecret?: SecretSource | undefined
}

/** For each database role, the roles of a context that run as it. All other roles run as `tenant_user`. */
export interface TenantRoles {
  readonly tenant_admin?: readonly string[] | undefined
  readonly tenant_user?: readonly string[] | undefined
}

/** The record of a crossing. It is written before anything is read. */
export interface CrossingRecord {
  readonly id: string
  readonly reason: string
  readonly actor: string
  readonly openedAt: Date
}

/** Options of `createTenantPool` in addition to those of `pg.Pool`. */
export interface TenantPoolExtras {
  /**
   * Seals each context, so that injected SQL can't switch tenants. There is no default: to go without a seal you must write `false`. One
   * injected SELECT with `set_config` is then enough to read another tenant's rows.
   */
  readonly seal: SealOptions | false
  /** Sets a database role per context: `tenant_admin` for these roles, else `tenant_user`. Without this option, no role is set. */
  readonly roles?: TenantRoles | undefined
  /** Returns the database role of a context. Given instead of `roles`. */
  readonly levelOf?: ((context: TenantContext) => TenantLevel) | undefined
  /** The setting that policies read; default `app.current_tenant_id`. */
  readonly settingName?: string | undefined
  /** Schemas in which unqualified names are looked up; `pg_temp` is put last. Default `['public']`. */
  readonly searchPath?: readonly string[] | undefined
  /**
   * For a tenant with its own schema, the schemas that come after it in the search_path: for extensions, and tables that no tenant owns.
   * They must contain no table of a tenant, and no name that a tenant's schema contains too. Default none, so that a table that is missing
   * in the tenant's schema is an error (42P01) and never another table.
   */
  readonly lookupSchemas?: readonly string[] | undefined
  /** Time limit of each statement. Default: pg's `statement_timeout`, or 30_000; 0 for no limit. */
  readonly statementTimeoutMs?: number | undefined
  /** Time limit for waiting for a lock. Default: pg's `lock_timeout`, or 0 for no limit. */
  readonly lockTimeoutMs?: number | undefined
  /**
   * How long a transaction may be idle before the server ends the connection. Default: pg's `idle_in_transaction_session_timeout`, or 0 for
   * the server's own setting.
   */
  readonly idleInTransactionTimeoutMs?: number | undefined
  /** How long the server may be silent before the connection is considered broken; default `statementTimeoutMs` + 5_000, 0 for no limit. */
  readonly answerTimeoutMs?: number | undefined
  /**
   * Maximum number of bytes of one buffered answer, or of one message of a cursor or stream; each row counts as at least 64 bytes. Default
   * 67_108_864 (64 MiB). A larger result closes its connection, and the caller gets `PARTYWALL_RESULT_TOO_LARGE`. Without a limit, one row
   * could end the process.
   */
  readonly maxResultBytes?: number | undefined
  /**
   * How often a text must be sent to be prepared: it is then parsed and planned once per connection and database role, under a name that
   * partywall chooses. Default 5. 0 means never, but `prepare: true` still works. Only queries and writes outside of transactions count,
   * and a text is prepared only after two tenants have sent it. A connection keeps at most 200 texts. Nothing is prepared behind a
   * transaction pooler, on `pipelinedConnections`, with `multiStatements`, or if a function of the database is wrongly IMMUTABLE.
   */
  readonly prepareThreshold?: number | undefined
  /** `'transaction'` behind PgBouncer or another transaction pooler. */
  readonly pooler?: 'none' | 'transaction' | undefined
  /**
   * Sends single statements of `pool.query` over this many pipelined connections, which all tenants share (pg 8.23 or later). Statements
   * are sent without waiting for the answers to earlier statements, so a slow statement delays the statements behind it on its connection.
   * A database in which the application has TEMPORARY is refused.
   */
  readonly pipelinedConnections?: number | undefined
  /**
   * Commands that may be sent although they are refused by default, such as `['CALL', 'LISTEN']`. They can leave something on the
   * connection, so the pool runs DISCARD ALL after them. `'EXPLAIN'` is refused because a plan tells whether another tenant has a row with
   * the value that the query searches for.
   */
  readonly allowStatements?: readonly string[] | undefined
  /**
   * Allows several statements in a text without parameters (simple protocol), for the start-up of job queues. Refused together with a seal.
   */
  readonly multiStatements?: boolean | undefined
  /** Makes statements of GET and HEAD requests read-only. */
  readonly readOnlyOnSafeMethods?: boolean | undefined
  /** How many connections one tenant may hold at once; default: about three quarters of `max`, but all if `max` is 1 or 2. */
  readonly perTenantConnections?: number | undefined
  /** How long a statement may wait for a connection, in the queue of its tenant; default `connectionTimeoutMillis`, or 10_000. */
  readonly perTenantWaitMs?: number | undefined
  /** Connection string of the separate login role for crossings; without it, `runAcrossTenants` is refused. */
  readonly acrossTenantsUrl?: string | undefined
  /** Records a crossing before its first query. If it fails, the crossing is refused. Default: a row in partywall.crossings. */
  readonly recordCrossing?: ((crossing: CrossingRecord) => Promise<void>) | undefined
  /**
   * Asked before each statement of a tenant whether the database still keeps tenants apart. `createPartywall` passes its protection watch.
   */
  readonly protection?: ProtectionGate | undefined
  readonly events?: SecurityEvents | undefined
  readonly logger?: Logger | undefined
}

/** Options of {@link createTenantPool}: those of `pg.Pool`, and partywall's own. */
export type TenantPoolOptions = pg.PoolConfig & TenantPoolExtras

const secret = z.union([z.string().min(32, 'must have at least 32 characters'), z.function()], {
  error: 'must be a text of at least 32 characters or a function that returns one',
})

const schemaName = z
  .string()
  .regex(/^(?!pg_temp$).{1,63}$/, 'must be names of schemas, without pg_temp (it is put last)')

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** partywall's own options; pg checks its options itself. */
export const tenantPoolSchema = z.looseObject({
  seal: z.union([z.literal(false), z.object({ secret, previousSecret: secret.optional() })], {
    error: ({ input }) =>
      isRecord(input) && input['secret'] === undefined
        ? 'secret is undefined; give at least 32 random characters (openssl rand -hex 32 makes some)'
        : 'must be { secret, previousSecret? }, or false to work without a seal',
  }),
  roles: z
    .object({ tenant_admin: z.array(z.string()).optional(), tenant_user: z.array(z.string()).optional() })
    .optional(),
  levelOf: z.function().optional(),
  settingName: z
    .string()
    .regex(/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)+$/, 'must be a custom setting such as app.current_tenant_id')
    .refine((name) => name !== 'app.tenant_seal', 'must not be the setting of the seal')
    .default('app.current_tenant_id'),
  searchPath: z.array(schemaName).min(1).default(['public']),
  lookupSchemas: z.array(schemaName).default([]),
  statementTimeoutMs: z.int().min(0).max(2_147_483_647).default(30_000),
  lockTimeoutMs: z.int().min(0).max(2_147_483_647).default(0),
  idleInTransactionTimeoutMs: z.int().min(0).max(2_147_483_647).default(0),
  answerTimeoutMs: z.int().min(0).optional(),
  maxResultBytes: z.int().min(1_024).max(536_870_888).default(67_108_864),
  prepareThreshold: z.int().min(0).max(1_000_000).default(5),
  pooler: z.enum(['none', 'transaction']).default('none'),
  pipelinedConnections: z.int().min(1).max(64).optional(),
  allowStatements: z.array(z.string().regex(/^[A-Za-z_]+$/, 'must be single commands such as CALL')).default([]),
  multiStatements: z.boolean().default(false),
  readOnlyOnSafeMethods: z.boolean().default(false),
  perTenantConnections: z.int().min(1).optional(),
  perTenantWaitMs: z.int().min(1).optional(),
  acrossTenantsUrl: z.string().optional(),
  recordCrossing: z.function().optional(),
})
