import { randomUUID } from 'node:crypto'
import { internalsOf, isTenantFrame } from '../../context/frame.ts'
import { runInCrossingFrame } from '../../context/run-with-tenant.ts'
import { tenantStore } from '../../context/store.ts'
import { ConfigurationError, DependencyUnavailableError, TenantIsolationError } from '../../errors.ts'
import type { SecurityEvents } from '../../events/security-events.ts'
import type { CrossingRecord } from '../settings/options.ts'

/** The reason for a crossing, and the person or job that is responsible. Both are recorded before anything is read. */
export interface CrossingRequest {
  readonly reason: string
  readonly actor: string
}

/** The parts of the pool that `runCrossing` needs. */
export interface CrossingParts {
  /** False without `acrossTenantsUrl`. */
  readonly available: boolean
  readonly record: (crossing: CrossingRecord) => Promise<void>
  readonly events: SecurityEvents | undefined
}

/**
 * Runs `fn` over all tenants. This is the only way to read across tenants. Inside `fn` the pool reads through a separate login role, in
 * read-only transactions. To write, `fn` calls `runWithTenant`.
 *
 * The scope ends when `fn` settles. A later statement, such as a statement of a leftover promise or timer, throws.
 *
 * @throws {TenantIsolationError} inside the context of a tenant, unless the route of the request was declared for crossings or a crossing
 *   is open; also inside a support visit
 * @throws {DependencyUnavailableError} when the crossing could not be recorded; nothing ran
 */
export async function runCrossing<T>(
  parts: CrossingParts,
  request: CrossingRequest,
  fn: () => T | Promise<T>,
): Promise<T> {
  checkRequest(request)
  refuseInsideTenant(parts.events)
  if (!parts.available) {
    throw new ConfigurationError(
      'runAcrossTenants() needs acrossTenantsUrl: the URL of a separate login role that is a member of partywall_cross and of no other role.',
    )
  }
  const { reason, actor } = request
  const id = randomUUID()
  try {
    await parts.record({ id, reason, actor, openedAt: new Date() })
  } catch (error) {
    throw new DependencyUnavailableError('The crossing could not be recorded, so it did not run.', { cause: error })
  }
  parts.events?.emit({ type: 'CROSS_TENANT_SCOPE_OPENED', crossingId: id, reason, actor })
  let open = true
  try {
    return await runInCrossingFrame({ reason, actor, alive: () => open }, parts.events, fn)
  } finally {
    open = false
  }
}

function checkRequest(request: CrossingRequest): void {
  const problems = (['reason', 'actor'] as const).filter((name) => {
    const value: unknown = request?.[name]
    return typeof value !== 'string' || value.trim() === '' || value.length > 1_000
  })
  if (problems.length === 0) return
  throw new ConfigurationError(
    `runAcrossTenants({ reason, actor }, fn): ${problems.join(' and ')} must be a text of 1 to 1000 characters.`,
  )
}

function refuseInsideTenant(events: SecurityEvents | undefined): void {
  const frame = tenantStore.getStore()
  if (frame === undefined) return
  const inside = internalsOf(frame)
  // A support visit is limited to one tenant, so work inside a visit must not open a crossing.
  const visit = inside.visit ?? inside.outer?.visit
  if (visit === undefined && (inside.scope?.alive() === true || inside.mayCross === true)) return
  if (!isTenantFrame(frame) && inside.within === undefined) return
  const tenantId = isTenantFrame(frame) ? frame.tenantId : inside.within
  ;(events ?? inside.events)?.emit({
    type: 'CROSS_TENANT_ACCESS_ATTEMPT',
    source: 'runAcrossTenants',
    tenantId,
    ...(isTenantFrame(frame) ? { userId: frame.userId, requestId: frame.requestId } : {}),
  })
  throw new TenantIsolationError(
    'runAcrossTenants() was called inside a tenant’s request. Declare the route for it, or do the work in a job.',
  )
}
