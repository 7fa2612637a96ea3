import type { Revoked } from './auth/revocation-list.ts'
import type { RawClaims } from './auth/strict-json.ts'
import { createTenantCache } from './cache/tenant-cache.ts'
import { runInTenantFrame } from './context/run-with-tenant.ts'
import { outsideOfTenants } from './context/store.ts'
import type { TenantContext } from './context/tenant-context.ts'
import { poolClassOf } from './database/drivers/pool-class.ts'
import { createTenantDrivers } from './database/drivers/tenant-drivers.ts'
import { createTenantTransaction } from './database/postgres-js/tenant-transaction.ts'
import { ConfigurationError } from './errors.ts'
import { handleFetch } from './http/fetch/handle-fetch.ts'
import type { PartywallConfig } from './partywall/config.ts'
import { createForEachTenant } from './partywall/for-each-tenant.ts'
import { WallLife } from './partywall/life-cycle.ts'
import { makeParts, type WallParts } from './partywall/make-parts.ts'
import { rootKeys } from './partywall/root-keys.ts'
import { createStaffAccess } from './partywall/staff-access.ts'
import type { Partywall } from './partywall/wall.ts'
import { TenantAwareRepository } from './repository/base-repository.ts'
import { createEnvelopes, type ImportOptions } from './tenants/envelope.ts'

export type { FetchHandler, HandleOptions } from './http/fetch/handle-fetch.ts'
export type { DatabaseConfig, PartywallConfig, TenantsConfig } from './partywall/config.ts'
export type { Partywall } from './partywall/wall.ts'
export type { ProtectionWatchOptions } from './protection/options.ts'

/**
 * Makes a wall, with all parts of partywall that an application configures. Is synchronous, and opens no connection until the first use or
 * `ready()`.
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
  let life: WallLife<Claims> | undefined
  const parts = makeParts(config, () => life?.open ?? true)
  life = new WallLife(parts, config.tenants)
  return Object.freeze(assemble(config, parts, life))
}

/** The returned object. Each function refuses work while the wall is closing, or while the database's protection is lost. */
function assemble<Claims>(
  config: PartywallConfig<Claims>,
  parts: WallParts<Claims>,
  life: WallLife<Claims>,
): Partywall<Claims> {
  const { pool, verifier, tenants, events, admission, audited } = parts
  const beginWork = (tenantId: string, context?: TenantContext) => life.beginWork(tenantId, context)
  const cursorKeys = rootKeys(config.seal, 'cursor', 'A paging cursor')
  const cacheKeys = rootKeys(config.seal, 'cache', 'tenantCache()')
  const envelopes = createEnvelopes({
    keys: rootKeys(config.seal, 'envelope', 'exportContext()'),
    directory: tenants,
    membership: config.membership,
    events,
  })
  const actAs = createStaffAccess({ pool, directory: tenants, beginWork, events, recordVisit: audited?.recordVisit })

  const forEachTenant = createForEachTenant({ directory: tenants, beginWork, events })

  function importContext(envelope: string, options: ImportOptions): Promise<TenantContext>
  function importContext<T>(envelope: string, options: ImportOptions, fn: () => Promise<T>): Promise<T>
  async function importContext<T>(
    envelope: string,
    options: ImportOptions,
    fn?: () => Promise<T>,
  ): Promise<T | TenantContext> {
    life.refuseWork()
    const context = await envelopes.importContext(envelope, options)
    if (fn === undefined) return context
    const work = beginWork(context.tenantId)
    try {
      return await runInTenantFrame(context, { events, stopped: work.stopped }, fn)
    } finally {
      work.end()
    }
  }

  async function revoke(what: Revoked, value: string): Promise<void> {
    life.refuseWork()
    const { revocations } = parts
    if (revocations === undefined)
      throw new ConfigurationError('Revocation in all processes needs seal.secret: with seal: false there is no key.')
    await revocations.revoke(what, value)
  }

  const wall: Partywall<Claims> = {
    pool,
    Pool: poolClassOf(pool),
    drivers: createTenantDrivers(pool),
    tenantTransaction: createTenantTransaction(pool),
    tenantCache: (store, options) =>
      createTenantCache(store, { keys: cacheKeys, logger: parts.logger, events }, options),
    verifier,
    verifyToken: verifier.verifyToken,
    tenants,
    events,
    logger: parts.logger,
    async admit(request) {
      life.refuseWork()
      life.awake()
      // The application's own functions (`auth.verify`, `authorize`) must not see the context of a caller.
      return outsideOfTenants(() => admission.admit(request))
    },
    handle: (request, options, fn) => handleFetch(wall, request, options, fn),
    limiter: parts.limiter,
    health: parts.health,
    access: parts.access,
    guard: parts.guard,
    audit: audited?.audit,
    alerts: parts.raised?.alerts,
    async runAcrossTenants(request, fn) {
      life.refuseWork()
      return pool.runAcrossTenants(request, fn)
    },
    async actAs(request, fn) {
      life.refuseWork()
      return actAs(request, fn)
    },
    async forEachTenant(fn, options) {
      life.refuseWork()
      return forEachTenant(fn, options)
    },
    beginWork,
    requestIdHeader: config.requestId?.trustHeader,
    repository: (table) => new TenantAwareRepository({ ...table, pool, cursorKeys }),
    cursorKeys,
    exportContext: envelopes.exportContext,
    importContext,
    revokeToken: (tokenId) => revoke('token', tokenId),
    revokeUser: (userId) => revoke('user', userId),
    ready: () => life.ready(),
    close: ({ timeoutMs = 10_000 } = {}) => life.close(timeoutMs),
  }
  return wall
}
