import type pg from 'pg'
import { ConfigurationError } from '../../errors.ts'
import { type CheckOptions, checkDatabase } from '../check/check-database.ts'
import type { DatabaseFinding } from '../check/database-finding.ts'
import type { CrossingRecord, TenantPoolExtras, TenantPoolOptions } from '../settings/options.ts'
import type { WallSettings } from '../settings/wall-settings.ts'
import type { CopyIntoOptions, CopyRows } from '../statement/copy-into.ts'
import { assertPgShape } from '../wire/pg-internals.ts'
import { type CrossingParts, type CrossingRequest, runCrossing } from './crossing.ts'
import { makeSettings } from './make-settings.ts'
import { PipelinedLane } from './pipelined-lane.ts'
import { defaultShare, TenantShares } from './tenant-shares.ts'
import { runTransaction, type TenantTransaction, type TransactionOptions } from './transaction.ts'
import { WalledPool, type WalledPoolParts } from './walled-pool.ts'
import type { WallClock } from './watchdog.ts'

/** A statement that the server parses and plans once per connection, under a name of partywall's own. */
export interface PreparedQueryConfig extends pg.QueryConfig {
  /** Default false. Ignored behind a pooler, on pipelined connections, and while 200 pairs of text and database role are in use. */
  readonly prepare?: boolean | undefined
}

type PreparedQuery = <R extends pg.QueryResultRow>(config: PreparedQueryConfig) => Promise<pg.QueryResult<R>>

/** A drop-in for `pg.Pool`: the same methods, events and counters, and every statement belongs to one tenant. */
export interface TenantPool extends pg.Pool {
  readonly query: pg.Pool['query'] & PreparedQuery
  /** The client class of this pool, for libraries that make their own clients. */
  readonly Client: typeof pg.Client
  /**
   * Runs `fn` in one transaction of the current tenant: committed when it returns, rolled back when it throws.
   *
   * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` from a statement made in another tenant's context
   */
  transaction<T>(fn: (transaction: TenantTransaction) => Promise<T>, options?: TransactionOptions): Promise<T>
  /**
   * Writes many rows of the current tenant in one transaction. Use it instead of COPY … FROM, which PostgreSQL refuses on tables with
   * row-level security.
   *
   * @param table `name` or `schema.name`
   * @returns how many rows were written
   */
  copyInto(table: string, rows: CopyRows, options?: CopyIntoOptions): Promise<number>
  /**
   * The only way to cross tenants: inside `fn` this pool reads all tenants' rows through `acrossTenantsUrl`, read-only.
   *
   * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` inside a tenant's context
   * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` when the crossing could not be recorded; then nothing ran
   */
  runAcrossTenants<T>(request: CrossingRequest, fn: () => T | Promise<T>): Promise<T>
  /** Checks the server, the login role, the policies in reach and the seal. Returns all findings, each with the SQL that fixes it. */
  checkDatabase(options?: CheckOptions): Promise<readonly DatabaseFinding[]>
  /** Refuses new work, waits for running statements and closes all connections. After `timeoutMs` (10_000) it aborts them. Idempotent. */
  close(options?: { readonly timeoutMs?: number }): Promise<void>
}

class TenantPoolOfOptions extends WalledPool {
  readonly #crossing: CrossingParts

  constructor(options: pg.PoolConfig, parts: WalledPoolParts, crossing: CrossingParts) {
    super(options, parts)
    this.#crossing = crossing
  }

  transaction<T>(fn: (transaction: TenantTransaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return runTransaction(() => this.connect(), fn, options)
  }

  copyInto(table: string, rows: CopyRows, options?: CopyIntoOptions): Promise<number> {
    return this.transaction((transaction) => transaction.copyInto(table, rows, options))
  }

  runAcrossTenants<T>(request: CrossingRequest, fn: () => T | Promise<T>): Promise<T> {
    return runCrossing(this.#crossing, request, fn)
  }

  checkDatabase(options?: CheckOptions): Promise<readonly DatabaseFinding[]> {
    return checkDatabase(this, options)
  }
}

/**
 * Makes a pool. Each of its statements runs for the tenant of its context, in one network round trip.
 *
 * @param options all options of `pg.Pool`, and partywall's own; `seal` must be given
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` naming every invalid option
 * @example
 * ```ts
 * const pool = createTenantPool({ connectionString, seal: { secret } })
 * await runWithTenant({ tenantId, userId }, () => pool.query('select title from documents'))
 * ```
 */
export function createTenantPool(options: TenantPoolOptions): TenantPool {
  assertPgShape()
  const clock = { tick: 1 }
  const rest = withoutExtras(options)
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
  for (const [given, wanted] of MISTAKEN) {
    if (given in options)
      throw new ConfigurationError(`createTenantPool(options): ${given} is no option; give ${wanted}, as pg calls it.`)
  }
  const across = acrossPool(options, settings)
  // pg reads its option `max` in the same way.
  const capacity = rest.max || 10
  const shares = new TenantShares({
    limit: options.perTenantConnections ?? defaultShare(capacity),
    capacity,
    waitMs: options.perTenantWaitMs ?? (rest.connectionTimeoutMillis || 10_000),
  })
  const crossing: CrossingParts = {
    available: across !== undefined,
    record: options.recordCrossing ?? ((record) => recordInDatabase(across, record)),
    events: options.events,
  }
  const lane = pipelinedLane(rest, options, settings, clock)
  // The type TenantPool restates pg's overloads. At run time, the methods of the pool answer all of them.
  return new TenantPoolOfOptions(rest, { settings, clock, shares, across, lane }, crossing) as unknown as TenantPool
}

/** The pool for crossings. It has a separate login role and is read-only. */
function acrossPool(options: TenantPoolOptions, settings: WallSettings): WalledPool | undefined {
  if (options.acrossTenantsUrl === undefined) return undefined
  const clock = { tick: 1 }
  const acrossSettings: WallSettings = {
    ...settings,
    serves: 'across',
    setsRole: false,
    seal: undefined,
    tickets: undefined,
    clock,
  }
  const { ssl, connectionTimeoutMillis, idleTimeoutMillis, allowExitOnIdle } = options
  const pool = new WalledPool(
    {
      connectionString: options.acrossTenantsUrl,
      max: 4,
      ...(ssl === undefined ? {} : { ssl }),
      ...(connectionTimeoutMillis === undefined ? {} : { connectionTimeoutMillis }),
      ...(idleTimeoutMillis === undefined ? {} : { idleTimeoutMillis }),
      ...(allowExitOnIdle === undefined ? {} : { allowExitOnIdle }),
    },
    { settings: acrossSettings, clock, shares: undefined, across: undefined, lane: undefined },
  )
  // No other code can listen to this pool. A waiting query gets the error of its broken connection itself.
  pool.on('error', () => {})
  return pool
}

function pipelinedLane(
  rest: pg.PoolConfig,
  { pipelinedConnections: size }: TenantPoolOptions,
  settings: WallSettings,
  clock: WallClock,
): PipelinedLane | undefined {
  if (size === undefined) return undefined
  if (settings.pooler || settings.multiStatements) {
    throw new ConfigurationError(
      'createTenantPool(options): pipelinedConnections can’t be used behind a transaction pooler or with multiStatements.',
    )
  }
  const shared: WallSettings = { ...settings, shared: true }
  const parts = { settings: shared, clock, shares: undefined, across: undefined, lane: undefined }
  const pool = new WalledPool({ ...rest, max: size, min: 0, pipeline: true }, parts)
  // A waiting query gets the error of its broken connection itself. Idle connections are opened again when needed.
  pool.on('error', () => {})
  return new PipelinedLane(pool, size)
}

async function recordInDatabase(across: WalledPool | undefined, { id, actor, reason }: CrossingRecord): Promise<void> {
  await across?.runAsLogin("select partywall.record_crossing($1::uuid, $2, $3, '{}')", [id, actor, reason])
}

const EXTRAS: Readonly<Record<keyof TenantPoolExtras, true>> = {
  seal: true,
  roles: true,
  levelOf: true,
  settingName: true,
  searchPath: true,
  lookupSchemas: true,
  statementTimeoutMs: true,
  lockTimeoutMs: true,
  idleInTransactionTimeoutMs: true,
  answerTimeoutMs: true,
  maxResultBytes: true,
  prepareThreshold: true,
  pooler: true,
  pipelinedConnections: true,
  allowStatements: true,
  multiStatements: true,
  readOnlyOnSafeMethods: true,
  perTenantConnections: true,
  perTenantWaitMs: true,
  acrossTenantsUrl: true,
  recordCrossing: true,
  protection: true,
  events: true,
  logger: true,
}

/** Names that other parts of partywall or other libraries use. pg ignores unknown names, and would connect to localhost. */
const MISTAKEN = [
  ['url', 'connectionString'],
  ['databaseUrl', 'connectionString'],
  ['uri', 'connectionString'],
  ['username', 'user'],
  ['maxConnections', 'max'],
] as const

/** Returns only pg's options, because `pool.options` must show no secret and no option that pg does not know. */
function withoutExtras(options: TenantPoolOptions): pg.PoolConfig {
  const rest: Record<string, unknown> = { ...options }
  for (const name of Object.keys(EXTRAS)) Reflect.deleteProperty(rest, name)
  return rest
}
