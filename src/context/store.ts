import { AsyncLocalStorage } from 'node:async_hooks'
import type { ContextFrame } from './frame.ts'

const key = Symbol.for('partywall.context.v1')

function sharedStore(): AsyncLocalStorage<ContextFrame | undefined> {
  const existing: unknown = Reflect.get(globalThis, key)
  if (existing instanceof AsyncLocalStorage) return existing
  const created = new AsyncLocalStorage<ContextFrame | undefined>()
  Object.defineProperty(globalThis, key, { value: created, enumerable: false, configurable: false, writable: false })
  return created
}

/**
 * The one AsyncLocalStorage of partywall, shared by all copies of the package in the process.
 *
 * Read it through {@link getCurrentTenant}; write it through `runWithTenant`, which validates and freezes.
 */
export const tenantStore: AsyncLocalStorage<ContextFrame | undefined> = sharedStore()

/**
 * Runs code that belongs to no tenant, such as handlers of connections, functions that return secrets, and listeners.
 *
 * It does not use `tenantStore.exit()`. On Node 20, `exit()` switches the store off only until the next `run()` anywhere. As soon as `fn`
 * opened a context, the caller's tenant would be current again.
 */
export function outsideOfTenants<T>(fn: () => T): T {
  return tenantStore.run(undefined, fn)
}
