import { getCurrentTenant } from '../context/run-with-tenant.ts'
import { tenantStore } from '../context/store.ts'

/**
 * Gives each tenant context its own object, such as a DataLoader, an EntityManager, or another object that batches or caches queries. The
 * object is made at the first call in a context, and freed with the context.
 *
 * @returns a function that gives the object of the current context
 * @throws {TenantContextMissingError} `PARTYWALL_CONTEXT_MISSING`, from the returned function, outside a tenant context
 * @example
 * ```ts
 * const loader = perContext(() => new DataLoader(loadDocuments))
 * await loader().load(id)
 * ```
 */
export function perContext<T extends object>(make: () => T): () => T {
  const made = new WeakMap<object, T>()
  return () => {
    const context = tenantStore.getStore() ?? getCurrentTenant()
    getCurrentTenant() // an explicitly empty context has no object either
    let own = made.get(context)
    if (own === undefined) {
      own = make()
      made.set(context, own)
    }
    return own
  }
}
