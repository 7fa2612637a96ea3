import { TenantIsolationError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Actor, TenantContext } from './tenant-context.ts'

/** Who really acts stays named: a context that is opened inside carries the actor on. */
export function keepActor(outer: Actor | undefined, context: TenantContext): TenantContext {
  return outer === undefined || context.actor !== undefined ? context : { ...context, actor: outer }
}

/**
 * Judges a context that is opened inside a visit of staff: it stays the visitor's, with no more rights than the visit has.
 *
 * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` another user or actor, or roles or permissions beyond the visit's
 */
export function continueVisit(visit: TenantContext, inner: TenantContext, events: SecurityEvents | undefined): void {
  const problem = beyond(visit, inner)
  if (problem === undefined) return
  events?.emit({
    type: 'CROSS_TENANT_ACCESS_ATTEMPT',
    source: 'runWithTenant',
    tenantId: visit.tenantId,
    userId: visit.userId,
    requestId: visit.requestId,
    attemptedTenantId: inner.tenantId,
    reason: `a visit of staff took on ${problem}`,
  })
  throw new TenantIsolationError(
    `runWithTenant() took on ${problem} inside a visit of staff. Give the visit what it needs: actAs({ roles, write }).`,
    { details: { tenantId: visit.tenantId } },
  )
}

function beyond(visit: TenantContext, inner: TenantContext): string | undefined {
  if (inner.userId !== visit.userId) return 'another user'
  if (inner.actor !== undefined && !sameActor(inner.actor, visit.actor)) return 'another actor'
  if (!inner.roles.every((role) => visit.roles.includes(role))) return 'roles that the visit does not have'
  const { permissions } = visit
  const widened = permissions !== undefined && !inner.permissions?.every((held) => permissions.includes(held))
  return widened ? 'permissions that the visit does not have' : undefined
}

function sameActor(one: Actor, other: Actor | undefined): boolean {
  return one.id === other?.id && one.type === other.type && one.reason === other.reason
}
