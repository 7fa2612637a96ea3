import type pg from 'pg'
import { type AccessControl, createAccessControl } from '../access/access-control.ts'
import type { TokenVerifier } from '../auth/credential-verifier.ts'
import type { VerifiedToken } from '../auth/verified-token.ts'
import { parseOptions } from '../config/parse-options.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import { createTenantPool, type TenantPool } from '../database/pool/create-tenant-pool.ts'
import type { TenantPoolOptions } from '../database/settings/options.ts'
import { ConfigurationError } from '../errors.ts'
import { createSecurityEvents, type SecurityEvents } from '../events/security-events.ts'
import { createTenantGuard, type TenantGuard } from '../guards/tenant-guard.ts'
import type { Health } from '../health/health.ts'
import { createDefaultLogger, type Logger } from '../logger/logger.ts'
import type { RateLimiter } from '../rate-limit/rate-limiter.ts'
import { type Admission, createAdmission, type EarlyRefusals } from '../tenants/admission.ts'
import type { ChangeListener } from '../tenants/change-listener.ts'
import type { CachedTenantDirectory } from '../tenants/directory.ts'
import { RunningWork } from '../tenants/running-work.ts'
import { type AlertParts, makeAlerts } from './alert-parts.ts'
import { type AuditParts, makeAudit } from './audit-parts.ts'
import { configSchema, type PartywallConfig } from './config.ts'
import { databaseLevels } from './database-levels.ts'
import { makeDirectory } from './directory-parts.ts'
import { makeEarlyRefusals } from './early-refusals.ts'
import { ProblemGatherer } from './gather-problems.ts'
import { type HealthParts, makeHealth } from './health-checks.ts'
import { logRefusals } from './log-refusals.ts'
import { makeLimiter, type WallTelemetry } from './make-limiter.ts'
import { type LateGate, makeGate, makeProtection, type ProtectionParts } from './protection-parts.ts'
import { SharedRevocations } from './revocation-parts.ts'
import { rootKeys } from './root-keys.ts'
import { makeVerifier } from './typed-verifier.ts'

/** The parts whose options are checked. */
interface BuiltParts<Claims> {
  readonly events: SecurityEvents
  readonly logger: Logger
  readonly access: AccessControl | undefined
  readonly guard: TenantGuard
  /** How the application's database is reached. */
  readonly connection: pg.PoolConfig
  readonly gate: LateGate
  readonly pool: TenantPool
  readonly protection: ProtectionParts | undefined
  readonly telemetry: WallTelemetry | undefined
  readonly limiter: RateLimiter | undefined
  readonly verifier: TokenVerifier<Claims>
  /** Undefined with `seal: false`, because there is no key for them. */
  readonly revocations: SharedRevocations | undefined
  readonly earlyRefusals: EarlyRefusals | undefined
  readonly audited: AuditParts | undefined
  readonly raised: AlertParts | undefined
  readonly health: Health
}

/** All parts of a wall, wired and not started. */
export interface WallParts<Claims> extends Omit<BuiltParts<Claims>, 'connection' | 'earlyRefusals'> {
  readonly tenants: CachedTenantDirectory
  /** Listens for changes of tenants; undefined if the directory is the application's own. */
  readonly listener: ChangeListener | undefined
  readonly running: RunningWork
  /** The tokens from which contexts were made. */
  readonly tokens: WeakMap<TenantContext, VerifiedToken<Claims>>
  readonly admission: Admission
  readonly stopRefusalLog: (() => void) | undefined
}

/**
 * Makes the parts of a wall. Opens no connection.
 *
 * @param isOpen whether the wall takes work, for its health
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with all problems of all parts at once
 */
export function makeParts<Claims>(config: PartywallConfig<Claims>, isOpen: () => boolean): WallParts<Claims> {
  let asked: Omit<HealthParts, 'open'> | undefined
  const built = buildParts(config, () => (asked === undefined ? undefined : { ...asked, open: isOpen() }))
  const { events, logger, gate, connection, limiter, earlyRefusals, pool, verifier, revocations, ...parts } = built
  const running = new RunningWork((id) => directory.tenants.isKnownInactive(id))
  if (revocations !== undefined) revocations.onRevoked = () => running.stopRevoked()
  const directory = makeDirectory(config.tenants, { pool, verifier, running, revocations, connection, events, logger })
  const tokens = new WeakMap<TenantContext, VerifiedToken<Claims>>()
  const stopRefusalLog = config.refusalLog === false ? undefined : logRefusals(events, logger, config.refusalLog)
  // Without a listener for errors, a restart of the database would end the process, because idle connections break.
  pool.on('error', (error) => logger.warn({ error: error.message }, 'an idle connection to the database broke'))
  asked = { pool, verifier, limiter, ...directory }
  const onAdmitted = (context: TenantContext, token: VerifiedToken<Claims>) => tokens.set(context, token)
  const admission = createAdmission({ verifier, directory: directory.tenants, events, onAdmitted, ...earlyRefusals })
  const shared = { events, logger, gate, limiter, pool, verifier, revocations, running, tokens, admission }
  return { ...parts, ...directory, ...shared, stopRefusalLog }
}

/** Collects the configuration problems of all parts, so that they are reported at once. */
function buildParts<Claims>(
  config: PartywallConfig<Claims>,
  healthOf: () => HealthParts | undefined,
): BuiltParts<Claims> {
  const problems = new ProblemGatherer()
  problems.build('', () => parseOptions(configSchema, config, 'createPartywall(config)'))
  const logger = config?.logger ?? createDefaultLogger()
  const events = createSecurityEvents((error) =>
    logger.error({ error: String(error) }, 'a listener of security events threw'),
  )
  const listeners = { events, logger }
  const access = problems.build('access', () =>
    config?.access === undefined ? undefined : createAccessControl({ ...config.access, ...listeners }),
  )
  const guard = problems.build('guard', () => createTenantGuard({ ...config?.guard, ...listeners }))
  const { url, roles, ...poolOptions } = config?.database ?? {}
  const connection: pg.PoolConfig = { ...poolOptions, ...(url === undefined ? {} : { connectionString: url }) }
  const options: TenantPoolOptions = {
    ...connection,
    ...databaseLevels(roles, access),
    seal: config?.seal,
    ...listeners,
  }
  const gate = makeGate()
  const pool = problems.build('database', () => createTenantPool({ ...options, protection: gate }), ['seal'])
  const protection = problems.build('protectionWatch', () =>
    pool === undefined ? undefined : makeProtection(config.protectionWatch, { gate, options, ...listeners }),
  )
  const telemetry = problems.build('telemetry', () =>
    typeof config?.telemetry === 'function' ? config.telemetry(events) : undefined,
  )
  const limiter = problems.build('rateLimit', () => makeLimiter(config?.rateLimit, { telemetry, ...listeners }))
  let keepMs = () => 0
  const seal = config?.seal
  const revocations =
    pool === undefined || seal === false
      ? undefined
      : new SharedRevocations({
          pool,
          keys: rootKeys(seal, 'revocation', 'wall.revokeToken()'),
          keepMs: () => keepMs(),
          logger,
        })
  const verifier = problems.build('auth', () => makeVerifier(config?.auth, events, logger, revocations))
  keepMs = () => verifier?.keepRevokedMs ?? 0
  const earlyRefusals = problems.build('failedTokens', () => makeEarlyRefusals(config?.failedTokens, limiter))
  const audited = problems.build('audit', () =>
    pool === undefined || config.audit === false
      ? undefined
      : makeAudit(config.audit ?? {}, { pool, options, ...listeners }),
  )
  const raised = problems.build('alerts', () =>
    pool === undefined || config.alerts === undefined
      ? undefined
      : makeAlerts(config.alerts, { pool: audited?.reserved ?? protection?.pool ?? pool, ...listeners }),
  )
  const health = problems.build('health', () => makeHealth(config?.health, healthOf))
  problems.check('createPartywall(config)')
  // check() throws if a part could not be built.
  if (pool === undefined || verifier === undefined || guard === undefined || health === undefined)
    throw new ConfigurationError('createPartywall(config) is not valid.')
  return {
    events,
    logger,
    access,
    guard,
    connection,
    gate,
    pool,
    protection,
    telemetry,
    limiter,
    verifier,
    revocations,
    earlyRefusals,
    audited,
    raised,
    health,
  }
}
