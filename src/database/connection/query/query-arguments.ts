import { bindToCaller } from '../../../context/bind-to-caller.ts'
import type { ContextFrame } from '../../../context/frame.ts'
import type { WallSettings } from '../../settings/wall-settings.ts'
import type { StatementKind } from '../../statement/statement-kind.ts'
import { isServerError, type PgSubmittable } from '../../wire/pg-internals.ts'
import { NAMED_TEXT } from './foreign-query.ts'
import { MultiStatementQuery } from './multi-statement-query.ts'
import { type QueryCallback, TenantQuery } from './tenant-query.ts'

/** The arguments of `query()` as pg reads them. */
interface AskedQuery {
  readonly submittable: PgSubmittable | undefined
  readonly text: string
  readonly values: unknown
  readonly callback: QueryCallback | undefined
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number
  /** The error if the signal has fired already. */
  readonly aborted: Error | undefined
}

/** Reads `(text | config | submittable, values?, callback?)`. */
export function readQuery(config: unknown, values: unknown, callback: unknown): AskedQuery {
  const done = isCallback(callback) ? callback : isCallback(values) ? values : undefined
  const given = typeof values === 'function' ? undefined : values
  if (typeof config === 'string') {
    return plain(undefined, config, given, done)
  }
  if (config === null || typeof config !== 'object') return plain(undefined, '', given, done)
  if (isSubmittable(config)) return plain(config, '', given, done)
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
    aborted: signal instanceof AbortSignal && signal.aborted ? abortReason(signal) : undefined,
  }
}

function plain(
  submittable: PgSubmittable | undefined,
  text: string,
  values: unknown,
  callback: QueryCallback | undefined,
): AskedQuery {
  return { submittable, text, values, callback, signal: undefined, timeoutMs: 0, aborted: undefined }
}

/** Makes the query object. */
export function makeQuery(
  config: unknown,
  asked: AskedQuery,
  frame: ContextFrame,
  kind: StatementKind,
  settings: WallSettings,
): TenantQuery {
  const query = maySendSeveral(config, asked, settings)
    ? new MultiStatementQuery(config, undefined, frame, kind)
    : new TenantQuery(config, asked.values, frame, kind)
  query.timeoutMs = asked.timeoutMs
  return query
}

/** Whether pg would use the simple protocol: no values, no name, no row limit. */
function maySendSeveral(config: unknown, asked: AskedQuery, settings: WallSettings): boolean {
  if (!settings.multiStatements || asked.text === '') return false
  const given = typeof config === 'object' && config !== null ? config : {}
  const values: unknown = asked.values ?? Reflect.get(given, 'values')
  if (Array.isArray(values) && values.length > 0) return false
  return !Reflect.get(given, 'name') && !Reflect.get(given, 'rows') && Reflect.get(given, 'queryMode') !== 'extended'
}

/** Aborts a query when the signal fires, and cancels it on the server if it is running. */
export function limitTime(query: TenantQuery, signal: AbortSignal): void {
  const abort = () => {
    query.giveUp(abortReason(signal))
    if (query.sent && !query.finishedOnce) query.host?.cancel()
  }
  signal.addEventListener('abort', abort, { once: true })
  query.stopListening = () => signal.removeEventListener('abort', abort)
}

function abortReason(signal: AbortSignal): Error {
  const { reason } = signal
  return reason instanceof Error ? reason : new DOMException('The query was aborted.', 'AbortError')
}

/** The text of a query. A query that has only a name is treated as a statement with data: it was classified when its text was sent. */
function textOf(config: object): string {
  const text: unknown = Reflect.get(config, 'text')
  if (typeof text === 'string') return text
  return typeof Reflect.get(config, 'name') === 'string' ? NAMED_TEXT : ''
}

function isCallback(value: unknown): value is QueryCallback {
  return typeof value === 'function'
}

function isSubmittable(value: object): value is PgSubmittable {
  return 'submit' in value && typeof value.submit === 'function'
}

/**
 * Connects a query with its caller. Callbacks run in the caller's context, and not in the context of the code that releases a connection.
 */
export function answerOf(query: TenantQuery, callback: QueryCallback | undefined): Promise<unknown> | undefined {
  if (callback !== undefined) {
    query.answerTo = bindToCaller(callback)
    return undefined
  }
  const answer = new Promise((resolve, reject) => {
    query.resolve = resolve
    query.reject = reject
  })
  return answer.catch(withCallersStack)
}

/**
 * Rethrows an error with the stack of the caller. An error of the server is created while reading the socket, so its own stack does not
 * show the caller. pg does the same.
 */
export function withCallersStack(error: unknown): never {
  if (error instanceof Error && isServerError(error) && Object.isExtensible(error)) Error.captureStackTrace(error)
  throw error
}

/** Reports the error as pg does: by a rejected promise, or by the callback in a later turn. */
export function refuse(error: Error | undefined, callback: QueryCallback | undefined): Promise<never> | undefined {
  const refusal = error ?? new Error('refused')
  if (callback === undefined) return Promise.reject(refusal)
  process.nextTick(bindToCaller(() => callback(refusal)))
  return undefined
}
