import type pg from 'pg'
import { ConfigurationError } from '../errors.ts'
import { makeSettings } from './make-settings.ts'
import type { TenantPoolExtras, TenantPoolOptions } from './options.ts'
import { assertPgShape } from './pg-internals.ts'
import { WalledPool } from './tenant-pool.ts'
import { runTransaction, type TenantTransaction, type TransactionOptions } from './transaction.ts'

/** A drop-in for `pg.Pool`: the same methods, events and counters, and every statement belongs to one tenant. */
export interface TenantPool extends pg.Pool {
  /** The client class of this pool, for libraries that make their own clients. */
  readonly Client: typeof pg.Client
  /**
   * Runs `fn` in one transaction of the current tenant: committed when it returns, rolled back when it throws.
   *
   * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` from a statement made in another tenant's context
   */
  transaction<T>(fn: (transaction: TenantTransaction) => Promise<T>, options?: TransactionOptions): Promise<T>
}

class TenantPoolOfOptions extends WalledPool {
  transaction<T>(fn: (transaction: TenantTransaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return runTransaction(() => this.connect(), fn, options)
  }
}

/**
 * Makes a pool whose every statement runs for the tenant of its context, in one network round trip.
 *
 * @param options all of `pg.Pool`'s, and the wall's own; `seal` must be given
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` naming every option that is not as it must be
 * @example
 * ```ts
 * const pool = createTenantPool({ connectionString, seal: { secret } })
 * await runWithTenant({ tenantId, userId }, () => pool.query('select title from documents'))
 * ```
 */
export function createTenantPool(options: TenantPoolOptions): TenantPool {
  assertPgShape()
  const clock = { tick: 1 }
  const settings = makeSettings(options, clock)
  if (options.Client !== undefined) {
    throw new ConfigurationError(
      'createTenantPool(options): Client can’t be replaced; the tenant’s context is set by it.',
    )
  }
  if (options.seal === false) {
    settings.logger.warn(
      { setting: 'seal' },
      'The tenant context is not sealed: one injected SELECT with set_config can read other tenants’ rows.',
    )
  }
  // The pool's type restates pg's overloads, which its own methods answer at run time.
  return new TenantPoolOfOptions(withoutExtras(options), settings, clock) as unknown as TenantPool
}

const EXTRAS: Readonly<Record<keyof TenantPoolExtras, true>> = {
  seal: true,
  roles: true,
  levelOf: true,
  settingName: true,
  searchPath: true,
  statementTimeoutMs: true,
  lockTimeoutMs: true,
  answerTimeoutMs: true,
  pooler: true,
  allowStatements: true,
  multiStatements: true,
  readOnlyOnSafeMethods: true,
  perTenantConnections: true,
  perTenantWaitMs: true,
  acrossTenantsUrl: true,
  recordCrossing: true,
  events: true,
  logger: true,
}

/** `pool.options` must show no secret and nothing that pg does not know. */
function withoutExtras(options: TenantPoolOptions): pg.PoolConfig {
  const rest: Record<string, unknown> = { ...options }
  for (const name of Object.keys(EXTRAS)) Reflect.deleteProperty(rest, name)
  return rest
}
