import { z } from 'zod'
import type { AccessControlOptions } from '../access/access-options.ts'
import type { TokenVerifierOptions, TypedClaims } from '../auth/options.ts'
import type { OwnVerifierOptions } from '../auth/own-verifier.ts'
import type { RawClaims } from '../auth/strict-json.ts'
import type { SealOptions, TenantPoolOptions, TenantRoles } from '../database/settings/options.ts'
import type { TenantGuardOptions } from '../guards/tenant-guard.ts'
import type { Logger } from '../logger/logger.ts'
import type { ProtectionWatchOptions } from '../protection/options.ts'
import type { FailedTokenLimiterOptions } from '../rate-limit/failed-token-limiter.ts'
import type { RateLimiterOptions } from '../rate-limit/options.ts'
import type { CurrentMembership } from '../tenants/envelope.ts'
import type { TenantLookup } from '../tenants/tenant.ts'
import type { AlertsConfig } from './alert-parts.ts'
import type { AuditConfig } from './audit-parts.ts'
import type { HealthConfig } from './health-checks.ts'
import type { RefusalLogOptions } from './log-refusals.ts'
import type { TelemetryConfig } from './make-limiter.ts'

/** The database of the application: options of `pg.Pool` and of the wall. */
export interface DatabaseConfig
  extends Omit<TenantPoolOptions, 'seal' | 'events' | 'logger' | 'roles' | 'Client' | 'protection'> {
  /** Connection string of the application's login role. Another name of pg's option `connectionString`. */
  readonly url?: string | undefined
  /**
   * Which roles of a context run as `tenant_admin`; all others run as `tenant_user`. Default `{ tenant_admin: ['owner', 'admin'] }`;
   * `false` sets no role, for schemas that have none.
   */
  readonly roles?: TenantRoles | false | undefined
}

/** Options for looking up tenants and for being notified of changes. */
export interface TenantsConfig {
  /** Default: `partywall.tenant_by_key` in the application's database. */
  readonly findByClaim?: TenantLookup | undefined
  /**
   * Finds a tenant by its id, for envelopes and staff access. Default: `partywall.tenant_by_id`. If you give `findByClaim` without
   * `findById`, `findByClaim` is called with the id. If your claims are no ids, envelopes and support visits are then refused.
   */
  readonly findById?: TenantLookup | undefined
  /** How long a found tenant is kept in memory, in milliseconds; default 60_000. */
  readonly ttlMs?: number | undefined
  /** How long the answer "no such tenant" is kept in memory, in milliseconds; default 5_000. */
  readonly negativeTtlMs?: number | undefined
  /** How many tenants are kept in memory; default 10_000. */
  readonly maxEntries?: number | undefined
  /** How long one lookup may take; default 5_000. */
  readonly timeoutMs?: number | undefined
  /**
   * A direct connection string for LISTEN, if `database.url` leads to a transaction pooler. Default: `database.url`. `false`: no
   * notifications are received, so cached answers live for 5 seconds. A directory that is a function receives no notifications: call
   * `wall.tenants.invalidate(id)`.
   */
  readonly listenUrl?: string | false | undefined
}

/** Options of `createPartywall`. */
export interface PartywallConfig<Claims = RawClaims> {
  readonly database: DatabaseConfig
  /** Issuers of JWTs, or `{ verify }` for credentials of another kind. */
  readonly auth:
    | (TokenVerifierOptions<Claims> & Partial<TypedClaims<Claims>>)
    // Without these two properties, TypeScript could not tell which of the two types an object has, and `authorize` would have no types.
    | (OwnVerifierOptions & { readonly issuer?: undefined; readonly issuers?: undefined })
  readonly tenants?: TenantsConfig | undefined
  /** Makes contexts unforgeable for injected SQL. There is no default: write `false` to switch it off. */
  readonly seal: SealOptions | false
  /** Limits per tenant and tier. Without this option nothing is limited. Mount `TenantRateLimiter` with `wall.limiter`. */
  readonly rateLimit?: Omit<RateLimiterOptions, 'events' | 'logger'> | undefined
  /**
   * How many invalid tokens one client address may send. After that number, an invalid token gets 429 instead of 401. `false`: any number.
   */
  readonly failedTokens?: FailedTokenLimiterOptions | false | undefined
  /** Options of `wall.health`, which answers an orchestrator's probes. */
  readonly health?: HealthConfig | undefined
  /** Which security events become alerts, and their receivers. Without this option there are no alerts. */
  readonly alerts?: AlertsConfig | undefined
  /** `(events) => createTelemetry({ events })` of `partywall/telemetry`; closed with the wall. */
  readonly telemetry?: TelemetryConfig | undefined
  /** The audit log; `false` writes none. Default: changes and reads that you log, and all refusals. */
  readonly audit?: AuditConfig | false | undefined
  /** The permissions of roles. They also decide the database level, unless `database.roles` is set. */
  readonly access?: Omit<AccessControlOptions, 'events' | 'logger'> | undefined
  /** How answers and results are checked for other tenants' ids. Default: not strict, with the fields `tenant_id` and `tenantId`. */
  readonly guard?: Omit<TenantGuardOptions, 'events' | 'logger'> | undefined
  /**
   * How the process watches, from the first `ready()` on, whether the database still keeps tenants apart. Default: it compares every 10
   * seconds, and refuses tenants' work with 503 if the protection is lost. `false`: no watch.
   */
  readonly protectionWatch?: ProtectionWatchOptions | false | undefined
  /** Returns a user's current roles and permissions. Asked when an envelope is opened. */
  readonly membership?: CurrentMembership | undefined
  readonly requestId?: { readonly trustHeader?: string | undefined } | undefined
  readonly logger?: Logger | undefined
  /** Each 401 and 403 is logged in one line at `warn`; repeats of a source are counted. `false` logs none. */
  readonly refusalLog?: RefusalLogOptions | false | undefined
}

const fn = z.custom((value) => typeof value === 'function', { error: 'must be a function' })
const milliseconds = z.int({ error: 'must be whole milliseconds' }).min(1)

/** Whether pg reads the text as a connection string. pg would read any other text as the name of a database on this host. */
function isConnectionString(url: string): boolean {
  return /^(postgres(ql)?|socket):/i.test(url) || url.startsWith('/')
}

/** Whether `url` is undefined, such as from an unset environment variable, and nothing else names a server. pg would then use localhost. */
function isLeftBehind(database: Readonly<Record<string, unknown>>): boolean {
  const others = ['connectionString', 'host', 'user', 'database']
  return (
    Object.hasOwn(database, 'url') &&
    database['url'] === undefined &&
    others.every((name) => database[name] === undefined)
  )
}

/** Schema of the options that no other part validates. */
export const configSchema = z.strictObject({
  database: z
    .looseObject(
      {
        url: z
          .string({ error: 'must be a connection string' })
          .refine(isConnectionString, 'must be a PostgreSQL URL: postgres://user:password@host:5432/database')
          .optional(),
      },
      { error: 'must be an object with url' },
    )
    .refine((database) => !isLeftBehind(database), {
      path: ['url'],
      error: 'is undefined; give it, or leave it out if host, user and so on (or PGHOST, PGUSER) name the server',
    }),
  auth: z.looseObject({}, { error: 'must be an object with issuers, with issuer and keys, or with verify' }),
  tenants: z
    .strictObject({
      findByClaim: fn.optional(),
      findById: fn.optional(),
      ttlMs: milliseconds.optional(),
      negativeTtlMs: milliseconds.optional(),
      maxEntries: z.int().min(1).optional(),
      timeoutMs: milliseconds.optional(),
      listenUrl: z.union([z.string(), z.literal(false)], { error: 'must be a connection string or false' }).optional(),
    })
    .optional(),
  seal: z.unknown(),
  rateLimit: z.unknown().optional(),
  failedTokens: z.unknown().optional(),
  health: z.unknown().optional(),
  alerts: z.unknown().optional(),
  telemetry: fn.optional(),
  access: z.unknown().optional(),
  guard: z.unknown().optional(),
  audit: z.union([z.literal(false), z.looseObject({})], { error: 'must be an object or false' }).optional(),
  protectionWatch: z.unknown().optional(),
  membership: fn.optional(),
  refusalLog: z.union([z.literal(false), z.strictObject({ windowMs: milliseconds.optional() })]).optional(),
  requestId: z.strictObject({ trustHeader: z.string().optional() }).optional(),
  logger: z
    .looseObject({ debug: fn, info: fn, warn: fn, error: fn }, { error: 'must have debug, info, warn and error' })
    .optional(),
})
