import type pg from 'pg'
import { createTokenVerifier, type TokenVerifier } from './auth/jwt.ts'
import type { TokenVerifierOptions } from './auth/options.ts'
import type { RawClaims } from './auth/strict-json.ts'
import { parseOptions } from './config/parse-options.ts'
import { runInTenantFrame, runWithoutTenant } from './context/run-with-tenant.ts'
import type { TenantContext } from './context/tenant-context.ts'
import { createTenantPool, type TenantPool } from './database/create-tenant-pool.ts'
import { ClosedError, ConfigurationError } from './errors.ts'
import { createSecurityEvents, type SecurityEvents } from './events/security-events.ts'
import { createDefaultLogger, type Logger } from './logger/logger.ts'
import { configSchema, type PartywallConfig } from './partywall/config.ts'
import { ProblemGatherer } from './partywall/gather-problems.ts'
import { rootKeys } from './partywall/root-keys.ts'
import { type RepositoryOptions, TenantAwareRepository } from './repository/base-repository.ts'
import { type Admission, createAdmission } from './tenants/admission.ts'
import { type ChangeListener, createChangeListener } from './tenants/change-listener.ts'
import { type CachedTenantDirectory, createTenantDirectory } from './tenants/directory.ts'
import { createEnvelopes, type Envelopes, type ExportOptions, type ImportOptions } from './tenants/envelope.ts'
import { createPostgresLookup } from './tenants/postgres-lookup.ts'
import { RunningWork, type Work } from './tenants/running-work.ts'
import { isActive, type TenantLookup } from './tenants/tenant.ts'

export type { DatabaseConfig, PartywallConfig, TenantsConfig } from './partywall/config.ts'

/** Everything of one application, wired. Its functions are bound: they may be taken out and handed on. */
export interface Partywall<Claims = RawClaims> {
  /** A drop-in for `pg.Pool`; ORMs take it as theirs. */
  readonly pool: TenantPool
  readonly verifyToken: TokenVerifier<Claims>['verifyToken']
  readonly verifier: TokenVerifier<Claims>
  readonly tenants: CachedTenantDirectory
  readonly events: SecurityEvents
  readonly logger: Logger
  /** From a request's token to its context; what adapters of frameworks call. @throws {ClosedError} while closing */
  readonly admit: Admission['admit']
  /** Registers work under way: suspension of its tenant stops it, closing waits for it. */
  beginWork(tenantId: string): Work
  readonly requestIdHeader?: string | undefined
  /** A repository on this pool whose cursors this application signs. */
  repository<Row extends object>(table: Omit<RepositoryOptions<Row>, 'pool' | 'cursorKeys'>): TenantAwareRepository<Row>
  readonly cursorKeys: () => Promise<readonly Uint8Array[]>
  readonly exportContext: (options: ExportOptions) => Promise<string>
  /** Opens an envelope; with `fn` runs it in the context. @throws see {@link Envelopes.importContext} */
  importContext(envelope: string, options: ImportOptions): Promise<TenantContext>
  importContext<T>(envelope: string, options: ImportOptions, fn: () => Promise<T>): Promise<T>
  /**
   * Resolves when all that requests depend on is there; else rejects with all findings at once.
   *
   * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
   */
  ready(): Promise<void>
  /** Refuses new work (503), waits for what is under way, and ends connections and timers. Idempotent. */
  close(options?: { readonly timeoutMs?: number }): Promise<void>
}

/**
 * Wires an application's parts. Synchronous; opens nothing: connections are made at first use, or by `ready()`.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with all problems of all parts at once
 * @example
 * ```ts
 * const wall = createPartywall({
 *   database: { url: process.env.DATABASE_URL },
 *   auth: { issuer, keys: { jwksUrl }, algorithms: ['ES256'], audience, tenantClaims: { tenant: 'org_id', roles: 'roles' } },
 *   seal: { secret: process.env.PARTYWALL_SEAL_SECRET },
 * })
 * ```
 */
export function createPartywall<Claims = RawClaims>(config: PartywallConfig<Claims>): Partywall<Claims> {
  const problems = new ProblemGatherer()
  problems.build('', () => parseOptions(configSchema, config, 'createPartywall(config)'))
  const logger = config?.logger ?? createDefaultLogger()
  const events = createSecurityEvents((error) =>
    logger.error({ error: String(error) }, 'a listener of security events threw'),
  )
  const { url, roles, ...poolOptions } = config?.database ?? {}
  const connection: pg.PoolConfig = { ...poolOptions, ...(url === undefined ? {} : { connectionString: url }) }
  const builtPool = problems.build('database', () =>
    createTenantPool({
      ...connection,
      ...(roles === false ? {} : { roles: roles ?? { tenant_admin: ['owner', 'admin'] } }),
      seal: config?.seal,
      events,
      logger,
    }),
  )
  const builtVerifier = problems.build('auth', () => makeVerifier(config, events, logger))
  problems.check('createPartywall(config)')
  // check() throws where a part could not be built.
  if (builtPool === undefined || builtVerifier === undefined)
    throw new ConfigurationError('createPartywall(config) is not valid.')
  const pool = builtPool
  const verifier = builtVerifier

  const running = new RunningWork()
  const ownDirectory = config.tenants?.findByClaim === undefined
  const { findByClaim, findById } = lookups(config, pool)
  const { ttlMs, negativeTtlMs, maxEntries, timeoutMs } = config.tenants ?? {}
  const tenants = createTenantDirectory({
    findByClaim,
    findById,
    ttlMs,
    negativeTtlMs,
    maxEntries,
    timeoutMs,
    events,
    onInactive({ id, key }) {
      verifier.invalidateTenant(key)
      running.stop(id)
    },
  })
  const listener = ownDirectory ? makeListener(config, connection, { tenants, running, events, logger }) : undefined
  if (ownDirectory) tenants.setListening(false) // until the channel has worked once
  const admission = createAdmission({ verifier, directory: tenants, events })
  const envelopes = createEnvelopes({
    keys: rootKeys(config.seal, 'envelope', 'exportContext()'),
    directory: tenants,
    membership: config.membership,
    events,
  })
  const cursorKeys = rootKeys(config.seal, 'cursor', 'A paging cursor')
  let closing: Promise<void> | undefined

  function refuseWhenClosing(): void {
    if (closing !== undefined) throw new ClosedError('The application is closing and takes no new work.')
  }

  function beginWork(tenantId: string): Work {
    const work = running.begin(tenantId)
    // The tenant may have been suspended between its admission and now.
    if (tenants.isKnownInactive(tenantId)) running.stop(tenantId)
    return work
  }

  function importContext(envelope: string, options: ImportOptions): Promise<TenantContext>
  function importContext<T>(envelope: string, options: ImportOptions, fn: () => Promise<T>): Promise<T>
  async function importContext<T>(
    envelope: string,
    options: ImportOptions,
    fn?: () => Promise<T>,
  ): Promise<T | TenantContext> {
    refuseWhenClosing()
    const context = await envelopes.importContext(envelope, options)
    if (fn === undefined) return context
    const work = beginWork(context.tenantId)
    try {
      return await runInTenantFrame(context, { events, stopped: work.stopped }, fn)
    } finally {
      work.end()
    }
  }

  async function ready(): Promise<void> {
    refuseWhenClosing()
    listener?.start()
    const findings: string[] = []
    const check = async (call: () => Promise<unknown>) => {
      try {
        await call()
      } catch (error) {
        findings.push(error instanceof Error ? error.message : String(error))
      }
    }
    await Promise.all([
      check(() => verifier.ready()),
      check(() => runWithoutTenant(() => pool.query('select 1'))),
      check(async () => {
        if (ownDirectory) await findByClaim('')
      }),
      check(() => rootKeysReady(config)),
    ])
    if (findings.length > 0) {
      throw new ConfigurationError(`partywall is not ready:\n  ${findings.join('\n  ')}`, {
        details: { problems: findings },
      })
    }
  }

  async function shutDown(timeoutMs: number): Promise<void> {
    await atMost(timeoutMs, running.idle())
    await listener?.close()
    verifier.close()
    await atMost(timeoutMs, pool.end())
  }

  const wall: Partywall<Claims> = {
    pool,
    verifier,
    verifyToken: verifier.verifyToken,
    tenants,
    events,
    logger,
    admit(request) {
      if (closing !== undefined)
        return Promise.reject(new ClosedError('The application is closing and takes no new work.'))
      listener?.start()
      return admission.admit(request)
    },
    beginWork,
    requestIdHeader: config.requestId?.trustHeader,
    repository: (table) => new TenantAwareRepository({ ...table, pool, cursorKeys }),
    cursorKeys,
    exportContext: envelopes.exportContext,
    importContext,
    ready,
    close({ timeoutMs: limit = 10_000 } = {}) {
      closing ??= shutDown(limit)
      return closing
    },
  }
  return Object.freeze(wall)
}

function makeVerifier<Claims>(
  config: PartywallConfig<Claims>,
  events: SecurityEvents,
  logger: Logger,
): TokenVerifier<Claims> {
  const { claims, ...options } = config.auth
  if (claims !== undefined) return createTokenVerifier<Claims>({ ...options, claims, events, logger })
  // Without a reader the claims are the raw ones, and `Claims` is its default, RawClaims.
  const plain = { ...options, events, logger } as unknown as TokenVerifierOptions
  return createTokenVerifier(plain) as unknown as TokenVerifier<Claims>
}

function lookups<Claims>(config: PartywallConfig<Claims>, pool: TenantPool) {
  const own = createPostgresLookup(pool)
  const findByClaim: TenantLookup = config.tenants?.findByClaim ?? own.findByClaim
  const findById: TenantLookup = config.tenants?.findById ?? config.tenants?.findByClaim ?? own.findById
  return { findByClaim, findById }
}

interface ListenerParts {
  readonly tenants: CachedTenantDirectory
  readonly running: RunningWork
  readonly events: SecurityEvents
  readonly logger: Logger
}

function makeListener<Claims>(
  config: PartywallConfig<Claims>,
  connection: pg.PoolConfig,
  { tenants, running, events, logger }: ListenerParts,
): ChangeListener | undefined {
  const listenUrl = config.tenants?.listenUrl
  if (listenUrl === false) return undefined
  return createChangeListener({
    connection: listenUrl === undefined ? connection : { connectionString: listenUrl },
    onChanges(hashes) {
      for (const hash of hashes) tenants.invalidateHash(hash)
    },
    onUp() {
      tenants.invalidate()
      tenants.setListening(true)
      // What was changed while nobody listened: work under way goes on only for tenants that are still active.
      for (const id of running.tenants) stopUnlessActive(tenants, running, id)
    },
    onDown: () => tenants.setListening(false),
    events,
    logger,
  })
}

function stopUnlessActive(tenants: CachedTenantDirectory, running: RunningWork, id: string): void {
  tenants.findById(id).then(
    (tenant) => {
      if (!isActive(tenant)) running.stop(id)
    },
    () => {}, // nobody can say: its next request will be asked for
  )
}

async function rootKeysReady<Claims>(config: PartywallConfig<Claims>): Promise<void> {
  if (config.seal !== false) await rootKeys(config.seal, 'seal', 'The seal')()
}

async function atMost(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs).unref()
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}
