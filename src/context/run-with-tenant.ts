import { ConfigurationError, TenantContextMissingError, TenantIsolationError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import {
  type ContextFrame,
  type CrossingScope,
  internalsOf,
  isTenantFrame,
  makeBareFrame,
  makeTenantFrame,
} from './frame.ts'
import { startInside } from './lazy-thenable.ts'
import type { Placement } from './placement.ts'
import { continueVisit, keepActor } from './staff-visit.ts'
import { tenantStore } from './store.ts'
import type { TenantContext, TenantContextInput } from './tenant-context.ts'
import { readTenantContext } from './validate.ts'

/**
 * The tenant context of the running code.
 *
 * @throws {TenantContextMissingError} `PARTYWALL_CONTEXT_MISSING` outside a tenant context
 */
export function getCurrentTenant(): TenantContext {
  const frame = tenantStore.getStore()
  if (isTenantFrame(frame)) return frame
  throw new TenantContextMissingError(
    frame === undefined
      ? 'There is no tenant context here. Call this inside runWithTenant(), or behind tenantContextMiddleware().'
      : 'The tenant context is explicitly empty here (runWithoutTenant or runAcrossTenants). Open one with runWithTenant().',
  )
}

/** The tenant context of the running code, or undefined if there is none. */
export function tryGetCurrentTenant(): TenantContext | undefined {
  const frame = tenantStore.getStore()
  return isTenantFrame(frame) ? frame : undefined
}

/**
 * Asserts that the running code works for this tenant.
 *
 * @returns the current context
 * @throws {TenantContextMissingError} `PARTYWALL_CONTEXT_MISSING` outside a tenant context
 * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` for any other tenant; emits CROSS_TENANT_ACCESS_ATTEMPT
 */
export function requireTenant(tenantId: string): TenantContext {
  const current = getCurrentTenant()
  if (current.tenantId === tenantId) return current
  const frame = tenantStore.getStore()
  const events = frame === undefined ? undefined : internalsOf(frame).events
  events?.emit({
    type: 'CROSS_TENANT_ACCESS_ATTEMPT',
    source: 'requireTenant',
    tenantId: current.tenantId,
    userId: current.userId,
    requestId: current.requestId,
    attemptedTenantId: String(tenantId),
  })
  throw new TenantIsolationError('The code asked for another tenant than the one of its context.', {
    details: { tenantId: current.tenantId, attemptedTenantId: String(tenantId) },
  })
}

/** Options for partywall's own code that opens a frame. */
interface FrameOptions {
  readonly events?: SecurityEvents
  readonly readOnly?: boolean | 'always'
  /** The route was declared for `runAcrossTenants`. */
  readonly mayCross?: boolean
  readonly stopped?: () => Error | undefined
  /** The frame is a support visit. */
  readonly visit?: true
}

/**
 * Runs `fn` for one tenant. Everything that `fn` awaits, schedules or starts runs for that tenant.
 *
 * The context is copied, validated and frozen. Contexts that `fn` opens keep the `actor` of this context. If `fn` returns a lazy thenable, such as a query
 * builder, this thenable is started in the context.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the context is not valid
 * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION`
 *   - if another tenant's context is open, except inside `runAcrossTenants`;
 *   - if a context of the same tenant with another placement is open;
 *   - inside a support visit, if the context names another user or actor than the visit, or has more rights
 */
export function runWithTenant<T>(context: TenantContextInput, fn: () => T): T {
  return runInTenantFrame(context, {}, fn)
}

/** `runWithTenant` for partywall's own code, which also passes an event emitter and other options. */
export function runInTenantFrame<T>(input: TenantContextInput, options: FrameOptions, fn: () => T): T {
  if (typeof fn !== 'function') throw new ConfigurationError('runWithTenant(context, fn): fn must be a function.')
  const given = readTenantContext(input)
  const outer = tenantStore.getStore()
  const outerInternals = outer === undefined ? undefined : internalsOf(outer)
  const tenantInternals = isTenantFrame(outer) ? outerInternals : outerInternals?.outer
  // actAs() opens a support visit inside a crossing, where every tenant's context may be opened. A visit is for one tenant, so ignore the
  // crossing inside the visit.
  const scope = tenantInternals?.visit === undefined ? liveScope(outer) : undefined
  const outerTenantId = isTenantFrame(outer) ? outer.tenantId : outerInternals?.within
  if (outerTenantId !== undefined && outerTenantId !== given.tenantId && scope === undefined) {
    const events = options.events ?? outerInternals?.events
    events?.emit({
      type: 'CROSS_TENANT_ACCESS_ATTEMPT',
      source: 'runWithTenant',
      tenantId: outerTenantId,
      ...(isTenantFrame(outer) ? { userId: outer.userId, requestId: outer.requestId } : {}),
      attemptedTenantId: given.tenantId,
    })
    throw new TenantIsolationError(
      "runWithTenant() was called for one tenant inside another tenant's context. Use runAcrossTenants() for work over several tenants.",
      { details: { tenantId: outerTenantId, attemptedTenantId: given.tenantId } },
    )
  }
  if (tenantInternals?.visit !== undefined)
    continueVisit(tenantInternals.visit, given, options.events ?? tenantInternals.events)
  const outerPlacement = outerTenantId === given.tenantId ? tenantInternals?.placement : undefined
  const context = keepPlacement(outerPlacement, keepActor(tenantInternals?.actor, given))
  const frame = makeTenantFrame(context, {
    kind: 'tenant',
    events: options.events ?? outerInternals?.events,
    // Pass on a crossing that has ended, too. Code that outlived the crossing may call runWithTenant() once more, and the pool must still
    // refuse the statements of that new context.
    scope: scope ?? tenantInternals?.scope,
    mayCross: options.mayCross ?? tenantInternals?.mayCross,
    readOnly: tenantInternals?.readOnly === 'always' ? 'always' : (options.readOnly ?? tenantInternals?.readOnly),
    stopped: bothStopped(tenantInternals?.stopped, options.stopped),
    visit: tenantInternals?.visit ?? (options.visit === true ? context : undefined),
    actor: context.actor,
    placement: context.placement,
  })
  return tenantStore.run(frame, () => startInside(fn()))
}

/**
 * Runs `fn` in an explicitly empty tenant context: row-level security shows no rows, but the catalog is readable. Use it for the start-up
 * queries of ORMs.
 */
export function runWithoutTenant<T>(fn: () => T): T {
  const outer = tenantStore.getStore()
  const outerInternals = outer === undefined ? undefined : internalsOf(outer)
  const frame = makeBareFrame({
    kind: 'none',
    events: outerInternals?.events,
    within: isTenantFrame(outer) ? outer.tenantId : outerInternals?.within,
    outer: isTenantFrame(outer) ? outerInternals : outerInternals?.outer,
  })
  return tenantStore.run(frame, () => startInside(fn()))
}

/** Opens the frame of a crossing; only `runAcrossTenants` calls it. */
export function runInCrossingFrame<T>(scope: CrossingScope, events: SecurityEvents | undefined, fn: () => T): T {
  return tenantStore.run(makeBareFrame({ kind: 'across', scope, events }), () => startInside(fn()))
}

/**
 * A context that is opened inside a context of the same tenant gets the placement of the outer context.
 *
 * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` if the inner context names another placement than the outer one, because the
 *   work would then use two schemas
 */
function keepPlacement(outerPlacement: Placement | undefined, context: TenantContext): TenantContext {
  if (outerPlacement === undefined || context.placement?.schema === outerPlacement.schema) return context
  if (context.placement === undefined) return { ...context, placement: outerPlacement }
  throw new TenantIsolationError(
    'runWithTenant() named another placement than the context around it. End the outer context first.',
    { details: { tenantId: context.tenantId } },
  )
}

type Stopped = (() => Error | undefined) | undefined

/** Combines both reasons to stop: inner work must also stop when the outer work must stop. */
function bothStopped(outer: Stopped, inner: Stopped): Stopped {
  if (outer === undefined || inner === undefined || outer === inner) return inner ?? outer
  return () => outer() ?? inner()
}

function liveScope(frame: ContextFrame | undefined): CrossingScope | undefined {
  if (frame === undefined) return undefined
  const { scope } = internalsOf(frame)
  return scope?.alive() === true ? scope : undefined
}
