import { AsyncResource } from 'node:async_hooks'
import type { PgSubmittable } from './pg-internals.ts'
import type { QueryCallback, TenantQuery } from './tenant-query.ts'

/** The arguments of `query()` as pg reads them. */
export interface AskedQuery {
  readonly submittable: PgSubmittable | undefined
  readonly text: string
  readonly values: unknown
  readonly callback: QueryCallback | undefined
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number
}

/** Reads `(text | config | submittable, values?, callback?)`. */
export function readQuery(config: unknown, values: unknown, callback: unknown): AskedQuery {
  const done = isCallback(callback) ? callback : isCallback(values) ? values : undefined
  const given = typeof values === 'function' ? undefined : values
  if (typeof config === 'string') {
    return { submittable: undefined, text: config, values: given, callback: done, signal: undefined, timeoutMs: 0 }
  }
  if (config === null || typeof config !== 'object') {
    return { submittable: undefined, text: '', values: given, callback: done, signal: undefined, timeoutMs: 0 }
  }
  if (isSubmittable(config)) {
    return { submittable: config, text: '', values: given, callback: done, signal: undefined, timeoutMs: 0 }
  }
  const own: unknown = Reflect.get(config, 'callback')
  const signal: unknown = Reflect.get(config, 'signal')
  const timeout: unknown = Reflect.get(config, 'query_timeout')
  return {
    submittable: undefined,
    text: textOf(config),
    values: given,
    callback: done ?? (isCallback(own) ? own : undefined),
    signal: signal instanceof AbortSignal ? signal : undefined,
    timeoutMs: typeof timeout === 'number' ? timeout : 0,
  }
}

/** A statement that is asked for by its name alone was classified when its text was sent; it may touch data. */
function textOf(config: object): string {
  const text: unknown = Reflect.get(config, 'text')
  if (typeof text === 'string') return text
  return typeof Reflect.get(config, 'name') === 'string' ? 'select ' : ''
}

function isCallback(value: unknown): value is QueryCallback {
  return typeof value === 'function'
}

function isSubmittable(value: object): value is PgSubmittable {
  return 'submit' in value && typeof value.submit === 'function'
}

/** Sets a query up to tell its caller; callbacks run in the caller's context, not in that of whoever frees a connection. */
export function answerOf(query: TenantQuery, callback: QueryCallback | undefined): Promise<unknown> | undefined {
  if (callback !== undefined) {
    query.answerTo = AsyncResource.bind(callback)
    return undefined
  }
  return new Promise((resolve, reject) => {
    query.resolve = resolve
    query.reject = reject
  })
}

/** Refuses as pg would fail: a rejected promise, or the callback in a later turn. */
export function refuse(error: Error | undefined, callback: QueryCallback | undefined): Promise<never> | undefined {
  const refusal = error ?? new Error('refused')
  if (callback === undefined) return Promise.reject(refusal)
  process.nextTick(AsyncResource.bind(() => callback(refusal)))
  return undefined
}
