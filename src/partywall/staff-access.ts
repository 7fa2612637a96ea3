import { newRequestId } from '../context/request-id.ts'
import { runInTenantFrame } from '../context/run-with-tenant.ts'
import type { Actor, TenantContext } from '../context/tenant-context.ts'
import type { TenantPool } from '../database/pool/create-tenant-pool.ts'
import { ConfigurationError, TenantInactiveError, TenantIsolationError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import { type Duration, durationSeconds } from '../tenants/duration.ts'
import type { Work } from '../tenants/running-work.ts'
import { isActive, placementOf, type TenantDirectory } from '../tenants/tenant.ts'

/** A support visit of staff in a tenant. */
export interface ActAsRequest {
  readonly tenantId: string
  /** The staff member who acts. Context, seal, crossing and the tenant's audit log name this person. */
  readonly actor: string
  readonly reason: string
  /** Duration of the visit, at most 8 hours. Afterwards its statements are refused. */
  readonly expiresIn: Duration
  /** True: statements may write. Default false. */
  readonly write?: boolean | undefined
  /** Roles inside the tenant; default none. */
  readonly roles?: readonly string[] | undefined
}

interface StaffAccessParts {
  readonly pool: Pick<TenantPool, 'runAcrossTenants'>
  readonly directory: Pick<TenantDirectory, 'findById'>
  beginWork(tenantId: string): Work
  readonly events: SecurityEvents
  /** Writes the visit into the tenant's own audit log. It is awaited before any read. */
  readonly recordVisit?: ((context: TenantContext, request: ActAsRequest) => Promise<void>) | undefined
  readonly now?: (() => number) | undefined
}

const LONGEST_SECONDS = 8 * 3_600

/** Makes `actAs`. Like a crossing (`runAcrossTenants`), a visit is recorded before it reads, and is refused inside a tenant's context. */
export function createStaffAccess(parts: StaffAccessParts) {
  const { pool, directory, beginWork, events, recordVisit, now = Date.now } = parts
  return async function actAs<T>(request: ActAsRequest, fn: () => T | Promise<T>): Promise<T> {
    const { tenantId, actor, reason, write = false, roles = [] } = request
    if (typeof tenantId !== 'string' || tenantId === '')
      throw new ConfigurationError('actAs({ tenantId }): must be a tenant’s id.')
    const until = now() + durationSeconds(request.expiresIn, 'actAs({ expiresIn })', LONGEST_SECONDS) * 1_000
    return pool.runAcrossTenants({ actor, reason }, async () => {
      const tenant = await directory.findById(tenantId)
      if (!isActive(tenant)) throw new TenantInactiveError('The tenant is unknown or suspended.')
      const staff: Actor = { id: actor, type: 'staff', reason }
      const context: TenantContext = {
        tenantId: tenant.id,
        userId: actor,
        roles,
        permissions: undefined,
        tier: tenant.tier,
        requestId: newRequestId(),
        actor: staff,
        ...placementOf(tenant),
      }
      const work = beginWork(tenant.id)
      const stopped = () => {
        if (now() >= until) return new TenantIsolationError('The time of this visit is over; nothing was sent.')
        return work.stopped()
      }
      try {
        await recordVisit?.(context, request)
        return await runInTenantFrame(
          context,
          { events, stopped, visit: true, ...(write ? {} : { readOnly: 'always' }) },
          fn,
        )
      } finally {
        work.end()
      }
    })
  }
}
