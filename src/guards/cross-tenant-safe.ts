import { ConfigurationError } from '../errors.ts'
import { type AnyFunction, dressAs, type FunctionDecorator, isFunction, rewriteDecorated } from './decorator-forms.ts'

// Symbol.for, so that two copies of the package recognise each other's marks.
const safeReason = Symbol.for('partywall.cross-tenant-safe.v1')
const guardedOriginal = Symbol.for('partywall.guarded-original.v1')

/** What {@link CrossTenantSafe} returns: a decorator, a wrapper, and a middleware for the Express response guard. */
export interface CrossTenantSafeMark extends FunctionDecorator {
  (request: object, response: object, next: () => void): void
}

/**
 * Exempts a method, a function or a route from the guards. The reason is documented beside it.
 *
 * On a method or around a function it undoes `preventCrossTenantAccess`, in either order. As the first handler of a route
 * (`app.get('/totals', CrossTenantSafe('sums over all tenants, no row'), handler)`) it exempts the route's answer from the response
 * guard. Row-level security still decides which rows the code can read.
 *
 * @param reason why data of other tenants may pass here, for reviewers; at least 8 characters
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` without a reason
 */
export function CrossTenantSafe(reason: string): CrossTenantSafeMark {
  if (typeof reason !== 'string' || reason.trim().length < 8) {
    throw new ConfigurationError(
      'CrossTenantSafe(reason): say in at least 8 characters why other tenants may pass here.',
    )
  }
  function mark(...args: readonly unknown[]): unknown {
    const [, response, next] = args
    if (isMiddlewareCall(response, next)) {
      Object.defineProperty(response, safeReason, { value: reason, configurable: true })
      next()
      return undefined
    }
    return rewriteDecorated('CrossTenantSafe', args, (original) => markFunction(original, reason))
  }
  // The overloads are distinguished at run time: the check above recognises a middleware call, and `rewriteDecorated` the forms of a
  // decorator.
  return mark as CrossTenantSafeMark
}

function isMiddlewareCall(response: unknown, next: unknown): next is () => void {
  return typeof response === 'object' && response !== null && typeof next === 'function'
}

function markFunction(original: AnyFunction, reason: string): AnyFunction {
  const unguarded: unknown = Reflect.get(original, guardedOriginal)
  const target = isFunction(unguarded) ? unguarded : original
  const marked = dressAs(function (this: unknown, ...args: unknown[]) {
    return Reflect.apply(target, this, args)
  }, original)
  Object.defineProperty(marked, safeReason, { value: reason })
  return marked
}

/** The reason for which guards skip this function or answer; undefined if they do not skip it. */
export function crossTenantSafeReason(marked: object): string | undefined {
  const reason: unknown = Reflect.get(marked, safeReason)
  return typeof reason === 'string' ? reason : undefined
}

/** Remembers the function inside a guard, so that a {@link CrossTenantSafe} outside can undo the guard. */
export function rememberOriginal(guarded: AnyFunction, original: AnyFunction): AnyFunction {
  Object.defineProperty(guarded, guardedOriginal, { value: original })
  return guarded
}
