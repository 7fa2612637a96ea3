import type pg from 'pg'
import { createAccessControl } from './access/access-control.ts'
import type { RawClaims } from './auth/strict-json.ts'
import { parseOptions } from './config/parse-options.ts'
import { runInTenantFrame } from './context/run-with-tenant.ts'
import type { TenantContext } from './context/tenant-context.ts'
import { createTenantPool } from './database/pool/create-tenant-pool.ts'
import type { TenantPoolOptions } from './database/settings/options.ts'
import { ClosedError, ConfigurationError } from './errors.ts'
import { createSecurityEvents } from './events/security-events.ts'
import { createTenantGuard } from './guards/tenant-guard.ts'
import { createDefaultLogger } from './logger/logger.ts'
import { makeAlerts } from './partywall/alert-parts.ts'
import { atMost } from './partywall/at-most.ts'
import { makeAudit } from './partywall/audit-parts.ts'
import { configSchema, type PartywallConfig } from './partywall/config.ts'
import { databaseLevels } from './partywall/database-levels.ts'
import { lookups, makeListener, stopInactive } from './partywall/directory-parts.ts'
import { makeEarlyRefusals } from './partywall/early-refusals.ts'
import { ProblemGatherer } from './partywall/gather-problems.ts'
import { makeHealth } from './partywall/health-checks.ts'
import { logRefusals } from './partywall/log-refusals.ts'
import { makeGate, makeProtection } from './partywall/protection-parts.ts'
import { checkReadiness } from './partywall/readiness.ts'
import { rootKeys } from './partywall/root-keys.ts'
import { createStaffAccess } from './partywall/staff-access.ts'
import { makeLimiter } from './partywall/telemetry-parts.ts'
import { makeVerifier } from './partywall/typed-verifier.ts'
import type { Partywall } from './partywall/wall.ts'
import { TenantAwareRepository } from './repository/base-repository.ts'
import { createAdmission } from './tenants/admission.ts'
import { createTenantDirectory } from './tenants/directory.ts'
import { createEnvelopes, type ImportOptions } from './tenants/envelope.ts'
import { RunningWork, type Work } from './tenants/running-work.ts'

export type { DatabaseConfig, PartywallConfig, TenantsConfig } from './partywall/config.ts'
export type { Partywall } from './partywall/wall.ts'
export type { ProtectionWatchOptions } from './protection/options.ts'

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
  const access = problems.build('access', () =>
    config?.access === undefined ? undefined : createAccessControl({ ...config.access, events, logger }),
  )
  const guard = problems.build('guard', () => createTenantGuard({ ...config?.guard, events, logger }))
  const tenantPoolOptions: TenantPoolOptions = {
    ...connection,
    ...databaseLevels(roles, access),
    seal: config?.seal,
    events,
    logger,
  }
  const gate = makeGate()
  const builtPool = problems.build('database', () => createTenantPool({ ...tenantPoolOptions, protection: gate }), [
    'seal',
  ])
  const protection = problems.build('protectionWatch', () =>
    builtPool === undefined
      ? undefined
      : makeProtection(config.protectionWatch, { gate, options: tenantPoolOptions, events, logger }),
  )
  const telemetry = problems.build('telemetry', () =>
    typeof config?.telemetry === 'function' ? config.telemetry(events) : undefined,
  )
  const limiter = problems.build('rateLimit', () => makeLimiter(config?.rateLimit, { telemetry, events, logger }))
  const builtVerifier = problems.build('auth', () => makeVerifier(config?.auth, events, logger))
  const earlyRefusals = problems.build('failedTokens', () => makeEarlyRefusals(config?.failedTokens, limiter))
  const audited = problems.build('audit', () =>
    builtPool === undefined || config.audit === false
      ? undefined
      : makeAudit(config.audit ?? {}, { pool: builtPool, options: tenantPoolOptions, events, logger }),
  )
  const raised = problems.build('alerts', () =>
    builtPool === undefined || config.alerts === undefined
      ? undefined
      : makeAlerts(config.alerts, { pool: audited?.reserved ?? protection?.pool ?? builtPool, events, logger }),
  )
  const health = problems.build('health', () =>
    makeHealth(config?.health, () => ({
      pool,
      verifier,
      limiter,
      tenants,
      listens: listener !== undefined,
      open: closing === undefined,
    })),
  )
  problems.check('createPartywall(config)')
  // check() throws where a part could not be built.
  if (builtPool === undefined || builtVerifier === undefined || guard === undefined || health === undefined)
    throw new ConfigurationError('createPartywall(config) is not valid.')
  const stopRefusalLog = config.refusalLog === false ? undefined : logRefusals(events, logger, config.refusalLog)
  const pool = builtPool
  // Without a listener, a database that restarts would end the process: its idle connections break.
  pool.on('error', (error) => logger.warn({ error: error.message }, 'an idle connection to the database broke'))
  const verifier = builtVerifier

  const running = new RunningWork((id) => tenants.isKnownInactive(id))
  const ownDirectory = config.tenants?.findByClaim === undefined
  const { findByClaim, findById } = lookups(config.tenants, pool)
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
    onInvalidated: (hash) => stopInactive(tenants, running, hash),
  })
  const listener = ownDirectory ? makeListener(config.tenants, connection, { tenants, events, logger }) : undefined
  if (ownDirectory) tenants.setListening(false) // until the channel has worked once
  const admission = createAdmission({ verifier, directory: tenants, events, ...earlyRefusals })
  const envelopes = createEnvelopes({
    keys: rootKeys(config.seal, 'envelope', 'exportContext()'),
    directory: tenants,
    membership: config.membership,
    events,
  })
  const cursorKeys = rootKeys(config.seal, 'cursor', 'A paging cursor')
  const actAs = createStaffAccess({
    pool,
    directory: tenants,
    beginWork,
    events,
    recordVisit: audited?.recordVisit,
  })
  let closing: Promise<void> | undefined

  function refuseWhenClosing(): void {
    if (closing !== undefined) throw new ClosedError('The application is closing and takes no new work.')
  }

  function refuseWork(): void {
    refuseWhenClosing()
    const lost = gate.refusal()
    if (lost !== undefined) throw lost
  }

  // What listens and delivers begins with the first work: making a wall opens nothing.
  function awake(): void {
    if (closing !== undefined) return
    listener?.start()
    raised?.alerts.start()
  }

  function beginWork(tenantId: string): Work {
    awake()
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
    refuseWork()
    const context = await envelopes.importContext(envelope, options)
    if (fn === undefined) return context
    const work = beginWork(context.tenantId)
    try {
      return await runInTenantFrame(context, { events, stopped: work.stopped }, fn)
    } finally {
      work.end()
    }
  }

  function ready(): Promise<void> {
    refuseWhenClosing()
    awake()
    // On connections that work while tenants are refused.
    const checked = protection?.pool ?? pool
    const lookup = ownDirectory ? lookups(config.tenants, checked).findByClaim : undefined
    const checks = () => checkReadiness({ pool: checked, verifier, lookup, limiter, logger })
    return protection === undefined ? checks() : protection.record(checks)
  }

  async function shutDown(timeoutMs: number): Promise<void> {
    const end = Date.now() + timeoutMs
    await atMost(timeoutMs, running.idle())
    await listener?.close()
    verifier.close()
    await limiter?.close()
    telemetry?.close()
    stopRefusalLog?.()
    await raised?.close(Math.max(1, end - Date.now()))
    await audited?.close(Math.max(1, end - Date.now()))
    // After the alerts, which may write over its connections.
    await protection?.close()
    await pool.close({ timeoutMs: Math.max(1, end - Date.now()) })
  }

  const wall: Partywall<Claims> = {
    pool,
    verifier,
    verifyToken: verifier.verifyToken,
    tenants,
    events,
    logger,
    async admit(request) {
      refuseWork()
      awake()
      return admission.admit(request)
    },
    limiter,
    health,
    access,
    guard,
    audit: audited?.audit,
    alerts: raised?.alerts,
    async runAcrossTenants(request, fn) {
      refuseWork()
      return pool.runAcrossTenants(request, fn)
    },
    async actAs(request, fn) {
      refuseWork()
      return actAs(request, fn)
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
