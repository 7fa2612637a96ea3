import type { AccessControl } from '../access/access-control.ts'
import type { Alerts } from '../alerts/create-alerts.ts'
import type { TenantAuditLogger } from '../audit/tenant-audit-logger.ts'
import type { TokenVerifier } from '../auth/credential-verifier.ts'
import type { RawClaims } from '../auth/strict-json.ts'
import type { CacheLibrary } from '../cache/store.ts'
import type { TenantCache, TenantCacheOptions } from '../cache/tenant-cache.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import type { TenantPoolClass } from '../database/drivers/pool-class.ts'
import type { TenantDrivers } from '../database/drivers/tenant-drivers.ts'
import type { TenantPool } from '../database/pool/create-tenant-pool.ts'
import type { CrossingRequest } from '../database/pool/crossing.ts'
import type { TenantTransactionOfJs } from '../database/postgres-js/tenant-transaction.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { TenantGuard } from '../guards/tenant-guard.ts'
import type { Health } from '../health/health.ts'
import type { FetchHandler, HandleOptions } from '../http/fetch/handle-fetch.ts'
import type { Logger } from '../logger/logger.ts'
import type { RateLimiter } from '../rate-limit/rate-limiter.ts'
import type { RepositoryOptions, TenantAwareRepository } from '../repository/base-repository.ts'
import type { Admission } from '../tenants/admission.ts'
import type { CachedTenantDirectory } from '../tenants/directory.ts'
import type { Envelopes, ExportOptions, ImportOptions } from '../tenants/envelope.ts'
import type { Work } from '../tenants/running-work.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { ForEachTenantOptions, ForEachTenantResult } from './for-each-tenant.ts'
import type { ActAsRequest } from './staff-access.ts'

/** All parts of partywall for one application. The functions are bound, so that callers can pass them as callbacks. */
export interface Partywall<Claims = RawClaims> {
  /** A drop-in for `pg.Pool`, also for ORMs. */
  readonly pool: TenantPool
  /**
   * A constructor of pools, for libraries that make their own pools. Each of these pools shares the connections of `pool`, and its `end()`
   * does not close them.
   */
  readonly Pool: TenantPoolClass
  /** The options with which TypeORM, Sequelize, Knex, MikroORM, Slonik and pg-promise work on `pool`. */
  readonly drivers: TenantDrivers
  /**
   * A transaction of postgres.js, which can't share the pool: BEGIN, clean-up, the sealed context, then `fn`.
   *
   * Statements are refused as on the pool. `sql` must be connected to the same database, as the application's login role, and its
   * connections must be used for nothing else.
   *
   * @throws {TenantContextMissingError} `PARTYWALL_CONTEXT_MISSING` outside a tenant context
   * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` from a query in the context of another tenant, or after the end of the
   * transaction
   * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the role of `sql` passes row-level security
   * @example
   * ```ts
   * const rows = await wall.tenantTransaction(sql, (tx) => tx`select title from documents`)
   * ```
   */
  readonly tenantTransaction: TenantTransactionOfJs
  /**
   * A cache on a store that tenants share: Keyv, lru-cache, ioredis, node-redis, or `memoryStore()` of `partywall/cache`. Its key is derived
   * from `seal.secret`.
   *
   * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` for an unknown kind of store, an option that is not valid, or, at the first
   *   use, with `seal: false`
   */
  tenantCache(store: CacheLibrary, options?: TenantCacheOptions): TenantCache
  readonly verifyToken: TokenVerifier<Claims>['verifyToken']
  readonly verifier: TokenVerifier<Claims>
  readonly tenants: CachedTenantDirectory
  readonly events: SecurityEvents
  readonly logger: Logger
  /** Makes the context of a request from its token. Adapters of frameworks call this. @throws {ClosedError} while closing */
  readonly admit: Admission['admit']
  /**
   * Handles one request of the fetch API, such as of a route handler of Next.js, in the context of its tenant.
   *
   * Refusals and errors of `fn` become problem documents, so the promise does not reject because of a request.
   *
   * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the options are not valid
   */
  handle(request: Request, options: HandleOptions, fn: FetchHandler): Promise<Response>
  /** Undefined if `access` is not configured. */
  readonly access: AccessControl | undefined
  /** Checks answers (`responseGuard(wall.guard)`) and single values for the ids of other tenants. */
  readonly guard: TenantGuard
  /** Undefined with `audit: false`. */
  readonly audit: TenantAuditLogger | undefined
  /** Lists dead letters, and delivers waiting alerts at once. Undefined if `alerts` is not configured. */
  readonly alerts: Alerts | undefined
  /** Undefined if `rateLimit` is not configured. */
  readonly limiter: RateLimiter | undefined
  /** `/live` and `/ready` for an orchestrator's probes: `app.use('/health', wall.health.handler)`, before authentication. */
  readonly health: Health
  /**
   * The only way to read the rows of several tenants. It can't write, and the crossing is recorded before it reads.
   *
   * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` inside a tenant's context
   */
  runAcrossTenants<T>(request: CrossingRequest, fn: () => T | Promise<T>): Promise<T>
  /**
   * A support visit: staff work for one tenant. The visit is recorded before any read, is read-only unless `write` is set, and ends after
   * `expiresIn`.
   *
   * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` inside a tenant's context
   * @throws {TenantInactiveError} `PARTYWALL_TENANT_INACTIVE` the tenant is unknown or suspended
   */
  actAs<T>(request: ActAsRequest, fn: () => T | Promise<T>): Promise<T>
  /**
   * Runs `fn` in a context of each tenant, with its placement. An error of one tenant does not keep the others from running.
   *
   * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` inside a context
   */
  forEachTenant(
    fn: (tenant: Tenant) => Promise<unknown> | unknown,
    options: ForEachTenantOptions,
  ): Promise<ForEachTenantResult>
  /**
   * Registers running work: suspension of its tenant stops it, and closing waits for it.
   *
   * @param context from {@link admit}: revocation of its token stops the work, too
   */
  beginWork(tenantId: string, context?: TenantContext): Work
  readonly requestIdHeader?: string | undefined
  /** Makes a repository on this pool. Its cursors are signed with the application's secret. */
  repository<Row extends object>(table: Omit<RepositoryOptions<Row>, 'pool' | 'cursorKeys'>): TenantAwareRepository<Row>
  readonly cursorKeys: () => Promise<readonly Uint8Array[]>
  readonly exportContext: (options: ExportOptions) => Promise<string>
  /** Opens an envelope. If `fn` is given, it runs in the context of the envelope. @throws see {@link Envelopes.importContext} */
  importContext(envelope: string, options: ImportOptions): Promise<TenantContext>
  importContext<T>(envelope: string, options: ImportOptions, fn: () => Promise<T>): Promise<T>
  /**
   * Refuses one token in all processes, within about a second, and stops its running requests.
   *
   * @param tokenId the `jti` of a JWT, or `credentialId` of your own verifier
   * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with `seal: false`, or without the database's migration
   */
  revokeToken(tokenId: string): Promise<void>
  /**
   * Refuses all tokens of a user that were issued until now, in all processes, and stops their running requests. The user may sign in
   * again.
   *
   * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with `seal: false`, or without the database's migration
   */
  revokeUser(userId: string): Promise<void>
  /**
   * Resolves if everything that requests need is ready. Otherwise rejects with all findings at once.
   *
   * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
   */
  ready(): Promise<void>
  /** Refuses new work (503), waits for running work, and ends connections and timers. Idempotent. */
  close(options?: { readonly timeoutMs?: number }): Promise<void>
}
