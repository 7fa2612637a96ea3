import { tenantStore } from './store.ts'

const STEPS = ['next', 'return', 'throw'] as const

/**
 * Runs each step of a generator, or of another lazy iterable, in the context that is current now. A generator runs nothing until it is
 * iterated, which may happen outside of the context, or in the context of another tenant.
 *
 * Changes the object itself and makes no new object. Streams and collections are not changed: a stream also has consumers that do not
 * iterate, and a collection runs no code.
 */
export function bindIterator(value: object): void {
  const frame = tenantStore.getStore()
  if (frame === undefined || ('pipe' in value && typeof Reflect.get(value, 'pipe') === 'function')) return
  const bind = (owner: object, name: string | symbol, change: (result: unknown) => unknown = (result) => result) => {
    const method: unknown = Reflect.get(owner, name)
    if (typeof method !== 'function') return
    const inside = (...values: readonly unknown[]) =>
      tenantStore.run(frame, () => change(Reflect.apply(method, owner, values)))
    Object.defineProperty(owner, name, { value: inside, configurable: true, writable: true })
  }
  if (typeof Reflect.get(value, 'next') === 'function') {
    for (const step of STEPS) bind(value, step)
    return
  }
  bind(value, Symbol.asyncIterator, (iterator) => {
    if (typeof iterator === 'object' && iterator !== null) for (const step of STEPS) bind(iterator, step)
    return iterator
  })
}

/** Whether a value is an iterator, such as a generator, or an async iterable. */
export function isLazyIterable(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  // `in` first: a Proxy may throw where an unknown property is read.
  const has = (name: string | symbol) => name in value && typeof Reflect.get(value, name) === 'function'
  return has(Symbol.asyncIterator) || (has('next') && has(Symbol.iterator))
}
