import { bindIterator, isLazyIterable } from './bound-iterator.ts'

/**
 * Query builders (Knex, Drizzle, Prisma, …) are thenables that run nothing until `then` is called. A thenable that `AsyncLocalStorage.run`
 * returns would start later, in the outer context. So this function starts it while the inner context is current. Generators and async
 * iterables are bound to the current context, because they start when they are iterated.
 */
export function startInside<T>(result: T): T {
  if (isLazyThenable(result)) {
    const started: unknown = new Promise((resolve, reject) => {
      result.then(resolve, reject)
    })
    // A thenable of T is awaited as a promise of T: callers see the same awaited type.
    return started as T
  }
  if (isLazyIterable(result) && Object.isExtensible(result)) bindIterator(result)
  return result
}

function isLazyThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    (typeof value === 'object' || typeof value === 'function') &&
    !(value instanceof Promise) &&
    typeof Reflect.get(value, 'then') === 'function'
  )
}
