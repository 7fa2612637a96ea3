import type { SecurityEvents } from '../events/security-events.ts'
import type { Actor, TenantContext } from './tenant-context.ts'

const memo: unique symbol = Symbol('partywall.memo')

// Registered symbols, so that two copies of the package read each other's frames.
const internals: unique symbol = Symbol.for('partywall.frame.v1') as never

/** One opening of `runAcrossTenants`; alive until its function settles. */
export interface CrossingScope {
  readonly reason: string
  readonly actor: string
  /** False once the scope's function has settled: left-over work must throw. */
  readonly alive: () => boolean
}

/** What a frame carries besides the context, unseen by users' code. */
export interface FrameInternals {
  readonly kind: 'tenant' | 'none' | 'across'
  readonly events?: SecurityEvents | undefined
  readonly scope?: CrossingScope | undefined
  /** The tenant in whose context an empty frame was opened: an empty frame is no way from one tenant to another. */
  readonly within?: string | undefined
  /** Of the tenant's frame that an empty one stands in: a nested context of the same tenant goes on with what binds it. */
  readonly outer?: FrameInternals | undefined
  /** The route was declared for `runAcrossTenants`. */
  readonly mayCross?: boolean | undefined
  /** True: `GET` and `HEAD`, for pools with `readOnlyOnSafeMethods`. `always`: for every pool. */
  readonly readOnly?: boolean | 'always' | undefined
  /** A visit of staff: what is opened inside stays the visitor's, in this tenant, with no more rights. */
  readonly visit?: TenantContext | undefined
  /** Who really acts in the tenant's frame; nothing that is opened inside forgets it. */
  readonly actor?: Actor | undefined
  /** Why the work of this frame must stop (its tenant was suspended while it ran); undefined while it may go on. */
  readonly stopped?: (() => Error | undefined) | undefined
}

/** A tenant's context as it stands in the store. */
export type TenantFrame = TenantContext & { readonly [internals]?: FrameInternals }

/** A frame without a tenant: `runWithoutTenant` (`none`) or the crossing (`across`). */
export interface BareFrame {
  readonly tenantId: ''
  readonly [internals]: FrameInternals
}

/** What `tenantStore` holds. */
export type ContextFrame = TenantFrame | BareFrame

const plainTenant: FrameInternals = Object.freeze({ kind: 'tenant' })

export function internalsOf(frame: ContextFrame): FrameInternals {
  return frame[internals] ?? plainTenant
}

export function isTenantFrame(frame: ContextFrame | undefined): frame is TenantFrame {
  return frame !== undefined && frame.tenantId !== '' && internalsOf(frame).kind === 'tenant'
}

/** A frame is made for each request: fields and a getter on the prototype cost a tenth of `defineProperty`. */
class Frame implements TenantContext {
  readonly tenantId: string
  readonly userId: string
  readonly roles: readonly string[]
  readonly permissions: readonly string[] | undefined
  readonly tier: string
  readonly requestId: string
  declare readonly actor?: Actor
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
    this.#inside = inside
    Object.freeze(this)
  }

  /** Not an own property: a copy of a context carries no internals. */
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
 * What `owner` worked out for this frame, worked out once for as long as the frame lives. One place for the last owner: a WeakMap
 * per owner costs a hundred times this, as each request brings a new key.
 */
export function rememberedOn<T>(frame: ContextFrame, owner: { make(frame: ContextFrame): T }): T {
  if (!(frame instanceof Frame)) return owner.make(frame)
  const known = frame[memo]
  // What stands there under this owner came from its own make().
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
