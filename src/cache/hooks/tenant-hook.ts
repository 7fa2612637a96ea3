const HOOK: unique symbol = Symbol.for('partywall.cache.hook') as never

/** Marks the options of a library's cache as made on a tenant cache. */
export function asTenantHook<T extends object>(options: T): T {
  return Object.defineProperty(options, HOOK, { value: true })
}

/** Whether a library's cache option was made on a tenant cache. */
export function isTenantHook(options: unknown): boolean {
  return typeof options === 'object' && options !== null && HOOK in options
}
