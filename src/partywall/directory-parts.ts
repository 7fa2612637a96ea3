import type pg from 'pg'
import type { TenantPool } from '../database/pool/create-tenant-pool.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import { type ChangeListener, createChangeListener } from '../tenants/change-listener.ts'
import { type CachedTenantDirectory, createTenantDirectory } from '../tenants/directory.ts'
import { createPostgresLookup } from '../tenants/postgres-lookup.ts'
import type { RunningWork } from '../tenants/running-work.ts'
import { isActive, type TenantLookup } from '../tenants/tenant.ts'
import { tenantHash } from '../tenants/tenant-hash.ts'
import type { TenantsConfig } from './config.ts'
import type { SharedRevocations } from './revocation-parts.ts'

/** The configured lookups or, without them, the functions `partywall.tenant_by_key` and `partywall.tenant_by_id` in the database. */
export function lookups(config: TenantsConfig | undefined, pool: TenantPool) {
  const own = createPostgresLookup(pool)
  const findByClaim: TenantLookup = config?.findByClaim ?? own.findByClaim
  // If only `findByClaim` is configured, do not combine it with the database's own `findById`: the directory then calls `findByClaim` for
  // every lookup.
  const findById: TenantLookup | undefined =
    config?.findById ?? (config?.findByClaim === undefined ? own.findById : undefined)
  return { findByClaim, findById }
}

interface DirectoryParts {
  readonly pool: TenantPool
  readonly verifier: { invalidateTenant(key: string): void }
  readonly running: RunningWork
  readonly revocations: SharedRevocations | undefined
  readonly connection: pg.PoolConfig
  readonly events: SecurityEvents
  readonly logger: Logger
}

/** Makes the directory of a wall and the listener for changes. Opens no connection. */
export function makeDirectory(config: TenantsConfig | undefined, parts: DirectoryParts) {
  const { pool, verifier, running, revocations, connection, events, logger } = parts
  const own = config?.findByClaim === undefined
  const { ttlMs, negativeTtlMs, maxEntries, timeoutMs } = config ?? {}
  const tenants = createTenantDirectory({
    ...lookups(config, pool),
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
  const listener =
    own || revocations !== undefined
      ? makeListener(config, connection, { tenants: own ? tenants : undefined, revocations, events, logger })
      : undefined
  if (own) tenants.setListening(false) // until the channel has worked once
  // A cached answer still has the place of the tenant's tables before a move.
  events.on('PLACEMENT_OUTDATED', ({ tenantId }) => {
    if (tenantId !== undefined) tenants.invalidate(tenantId)
  })
  return { tenants, listener, listens: own && listener !== undefined }
}

interface ListenerParts {
  /** Undefined if the directory is the application's own function, which gets no notifications. */
  readonly tenants: CachedTenantDirectory | undefined
  readonly revocations: SharedRevocations | undefined
  readonly events: SecurityEvents
  readonly logger: Logger
}

/** Makes the listener for changes; undefined if there is nothing to listen to. */
function makeListener(
  config: TenantsConfig | undefined,
  connection: pg.PoolConfig,
  { tenants, revocations, events, logger }: ListenerParts,
): ChangeListener | undefined {
  const listenUrl = config?.listenUrl
  if (listenUrl === false) return undefined
  return createChangeListener({
    connection: listenUrl === undefined ? connection : { connectionString: listenUrl },
    onChanges(hashes) {
      for (const hash of hashes) tenants?.invalidateHash(hash)
    },
    onRevoked: (hashes) => revocations?.notified(hashes),
    onUp() {
      tenants?.invalidate()
      tenants?.setListening(true)
      revocations?.heard()
    },
    onDown() {
      tenants?.setListening(false)
      revocations?.unheard()
    },
    events,
    logger,
  })
}

/** Stops running work of tenants that are no longer active. Called after a change, and when notifications may have been missed. */
function stopInactive(tenants: CachedTenantDirectory, running: RunningWork, hash: string | undefined): void {
  for (const id of running.tenants) {
    if (hash === undefined || tenantHash(id) === hash) stopUnlessActive(tenants, running, id)
  }
}

function stopUnlessActive(tenants: CachedTenantDirectory, running: RunningWork, id: string): void {
  tenants.readAgain(id).then(
    (tenant) => {
      if (!isActive(tenant)) running.stop(id)
    },
    () => {}, // the lookup failed: the tenant's next request looks it up again
  )
}
