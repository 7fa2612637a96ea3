import type { SecurityEvents } from '../events/security-events.ts'
import type { Placement } from './placement.ts'
import type { Actor, TenantContext } from './tenant-context.ts'

const memo: unique symbol = Symbol('partywall.memo')

// Registered symbols, so that two copies of the package read each other's frames.
const internals: unique symbol = Symbol.for('partywall.frame.v1') as never

/** One call of `runAcrossTenants`. It is alive until the function that was passed to it settles. */
export interface CrossingScope {
  readonly reason: string
  readonly actor: string
  /** False once the scope's function has settled. Work that still runs must then throw. */
  readonly alive: () => boolean
}

/** Data that a frame carries besides the context, hidden from users' code. */
export interface FrameInternals {
  readonly kind: 'tenant' | 'none' | 'across'
  readonly events?: SecurityEvents | undefined
  readonly scope?: CrossingScope | undefined
  /** Tenant of the enclosing frame. It lets runWithTenant() refuse a second tenant even if runWithoutTenant() was called in between. */
  readonly within?: string | undefined
  /** Internals of the enclosing tenant frame. A nested frame of the same tenant inherits its restrictions (read-only, stop, visit). */
  readonly outer?: FrameInternals | undefined
  /** The route was declared for `runAcrossTenants`. */
  readonly mayCross?: boolean | undefined
  /**
   * Whether statements may only read. `true` (a GET or HEAD request): only in pools with `readOnlyOnSafeMethods`. `always`: in every pool.
   */
  readonly readOnly?: boolean | 'always' | undefined
  /**
   * The context of a support visit. Contexts that are opened inside the visit keep its user, actor and tenant, and can't have more
   * permissions.
   */
  readonly visit?: TenantContext | undefined
  /** The actor of the tenant's frame. Contexts that are opened inside the frame keep this actor. */
  readonly actor?: Actor | undefined
  /** The placement of the tenant's frame. Contexts of the same tenant that are opened inside the frame keep this placement. */
  readonly placement?: Placement | undefined
  /** Returns the error if the work of this frame must stop, such as when its tenant was suspended. Undefined while it may continue. */
  readonly stopped?: (() => Error | undefined) | undefined
}

/** A tenant's context in the store, with its internals. */
export type TenantFrame = TenantContext & { readonly [internals]?: FrameInternals }

/** A frame without a tenant: `runWithoutTenant` (`none`) or the crossing (`across`). */
export interface BareFrame {
  readonly tenantId: ''
  readonly [internals]: FrameInternals
}

/** Values of `tenantStore`. */
export type ContextFrame = TenantFrame | BareFrame

const plainTenant: FrameInternals = Object.freeze({ kind: 'tenant' })

export function internalsOf(frame: ContextFrame): FrameInternals {
  return frame[internals] ?? plainTenant
}

export function isTenantFrame(frame: ContextFrame | undefined): frame is TenantFrame {
  return frame !== undefined && frame.tenantId !== '' && internalsOf(frame).kind === 'tenant'
}

/** This is a class for speed, because each request makes a frame. Fields and a prototype getter cost a tenth of `defineProperty`. */
class Frame implements TenantContext {
  readonly tenantId: string
  readonly userId: string
  readonly roles: readonly string[]
  readonly permissions: readonly string[] | undefined
  readonly tier: string
  readonly requestId: string
  declare readonly actor?: Actor
  declare readonly expiresAt?: number
  declare readonly placement?: Placement
  readonly #inside: FrameInternals
  #memo: { readonly owner: object; readonly value: unknown } | undefined = undefined

  constructor(context: TenantContext, inside: FrameInternals) {
    this.tenantId = context.tenantId
    this.userId = context.userId
    this.roles = context.roles
    this.permissions = context.permissions
    this.tier = context.tier
    this.requestId = context.requestId
    if (context.actor !== undefined) this.actor = context.actor
    if (context.expiresAt !== undefined) this.expiresAt = context.expiresAt
    if (context.placement !== undefined) this.placement = context.placement
    this.#inside = inside
    Object.freeze(this)
  }

  /** A getter of the prototype and not an own property, so that a copy of a context carries no internals. */
  get [internals](): FrameInternals {
    return this.#inside
  }

  get [memo](): { readonly owner: object; readonly value: unknown } | undefined {
    return this.#memo
  }

  set [memo](value) {
    this.#memo = value
  }
}

/**
 * Caches a value that `owner` computes for a frame. The frame keeps only the value of the last owner. A WeakMap for each owner would cost a
 * hundred times as much, because each request would add a new key.
 */
export function rememberedOn<T>(frame: ContextFrame, owner: { make(frame: ContextFrame): T }): T {
  if (!(frame instanceof Frame)) return owner.make(frame)
  const known = frame[memo]
  // A value that is stored for this owner was made by its own make(), so its type is T.
  if (known !== undefined && known.owner === owner) return known.value as T
  const value = owner.make(frame)
  frame[memo] = { owner, value }
  return value
}

export function makeTenantFrame(
  context: TenantContext,
  inside: FrameInternals & { readonly kind: 'tenant' },
): TenantFrame {
  return new Frame(context, Object.freeze(inside))
}

export function makeBareFrame(inside: FrameInternals): BareFrame {
  return Object.freeze({ tenantId: '', [internals]: Object.freeze({ ...inside }) })
}
