import { TenantIsolationError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Actor, TenantContext } from './tenant-context.ts'

/** A context that is opened inside another context keeps the outer context's actor, unless it names an actor itself. */
export function keepActor(outer: Actor | undefined, context: TenantContext): TenantContext {
  return outer === undefined || context.actor !== undefined ? context : { ...context, actor: outer }
}

/**
 * Checks a context that is opened inside a support visit: it must have the visit's user and actor, and no more permissions.
 *
 * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` for another user or actor, or for more roles or permissions
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
    reason: `code inside a support visit asked for ${problem}`,
  })
  throw new TenantIsolationError(
    `runWithTenant() asked for ${problem} inside a support visit. Give the visit what it needs: actAs({ roles, write }).`,
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
