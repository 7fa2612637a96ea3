import { pipeline, Readable, Transform } from 'node:stream'

/** Checks one value and returns it, or throws. */
type CheckValue = <T>(value: T) => T

/**
 * Checks the result of a function, depending on its form:
 * - a value: at once;
 * - a promise or lazy thenable: when it settles;
 * - an iterator or object stream: item by item, before the caller gets the item.
 *
 * A stream of bytes can't be checked; `refuseBytes` decides whether it is refused.
 */
export function guardResult(result: unknown, check: CheckValue, refuseBytes: () => void): unknown {
  if (typeof result !== 'object' || result === null) return check(result)
  if (isThenable(result)) {
    return Promise.resolve(result).then((value) => guardResult(value, check, refuseBytes))
  }
  if (result instanceof Readable) return guardStream(result, check, refuseBytes)
  if (isIterator(result, Symbol.asyncIterator)) return guardAsyncIterator(result, check)
  if (isIterator(result, Symbol.iterator)) return guardIterator(result, check)
  return check(result)
}

/** Whether a value is a promise or thenable. Query builders are thenables that run when `then` is called. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function'
}

interface AnyIterator {
  next(...args: readonly unknown[]): unknown
  return?(value?: unknown): unknown
  throw?(error?: unknown): unknown
}

/** Whether a value is an iterator (a generator, a cursor). An array or another collection is not. */
function isIterator(value: object, symbol: symbol): value is AnyIterator {
  return typeof Reflect.get(value, symbol) === 'function' && typeof Reflect.get(value, 'next') === 'function'
}

function checkStep(step: unknown, check: CheckValue): unknown {
  if (typeof step === 'object' && step !== null) check(Reflect.get(step, 'value'))
  return step
}

function guardIterator(source: AnyIterator, check: CheckValue): object {
  const run = (step: () => unknown): unknown => {
    try {
      return checkStep(step(), check)
    } catch (error) {
      source.return?.()
      throw error
    }
  }
  return wrapIterator(source, run, Symbol.iterator)
}

function guardAsyncIterator(source: AnyIterator, check: CheckValue): object {
  const run = async (step: () => unknown): Promise<unknown> => {
    try {
      return checkStep(await step(), check)
    } catch (error) {
      await source.return?.()
      throw error
    }
  }
  return wrapIterator(source, run, Symbol.asyncIterator)
}

function wrapIterator(source: AnyIterator, run: (step: () => unknown) => unknown, symbol: symbol): object {
  const guarded: Record<PropertyKey, unknown> = {
    next: (...args: readonly unknown[]) => run(() => source.next(...args)),
    return: (value?: unknown) => run(() => source.return?.(value) ?? { done: true, value }),
    throw: (error?: unknown) =>
      run(() => {
        if (source.throw === undefined) throw error
        return source.throw(error)
      }),
    [symbol]: () => guarded,
  }
  return guarded
}

function guardStream(source: Readable, check: CheckValue, refuseBytes: () => void): Readable {
  if (!source.readableObjectMode) {
    refuseBytes()
    return source
  }
  const checked = new Transform({
    objectMode: true,
    transform(item, _encoding, done) {
      try {
        check(item)
        done(null, item)
      } catch (error) {
        done(error instanceof Error ? error : new Error('The guard could not check an item.', { cause: error }))
      }
    },
  })
  // An error of either stream destroys both. The reader gets the error from `checked`.
  pipeline(source, checked, () => {})
  return checked
}
