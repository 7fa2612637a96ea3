import type { SecurityEvents } from '../events/security-events.ts'
import type { TenantContext } from './tenant-context.ts'

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
  /** `GET` and `HEAD` under `readOnlyOnSafeMethods`. */
  readonly readOnly?: boolean | undefined
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

export function makeTenantFrame(context: TenantContext, inside: Omit<FrameInternals, 'kind'>): TenantFrame {
  const frame = { ...context }
  Object.defineProperty(frame, internals, { value: Object.freeze({ ...inside, kind: 'tenant' }), enumerable: false })
  return Object.freeze(frame)
}

export function makeBareFrame(inside: FrameInternals): BareFrame {
  return Object.freeze({ tenantId: '', [internals]: Object.freeze({ ...inside }) })
}
