import type { OutgoingHttpHeaders } from 'node:http'
import type { Request, RequestHandler, Response } from 'express'
import { tryGetCurrentTenant } from '../context/run-with-tenant.ts'
import { ConfigurationError } from '../errors.ts'
import { crossTenantSafeReason } from '../guards/cross-tenant-safe.ts'
import type { TenantGuard } from '../guards/tenant-guard.ts'
import { type BodyHeaders, holdsJson, readingOf } from './body-reading.ts'
import { jsonTextOf, type StreamCheck, streamCheckFor } from './guarded-stream.ts'
import { answerProblem } from './tenant-error-handler.ts'

/** Options of {@link responseGuard}. */
export interface ResponseGuardOptions {
  /**
   * Maximum size in bytes of one JSON document or record. The guard holds these bytes back until the check is done, and refuses a longer
   * one. Default 8 MiB.
   */
  readonly maxBufferBytes?: number
}

/**
 * Checks the answers of an Express application before they are sent. An answer that names another tenant is replaced by 403.
 *
 * It checks `res.json`, `res.send`, `res.jsonp`, and JSON that is written or piped: records (NDJSON, JSON lines, server-sent events) one by
 * one, a document as a whole. If the guard refuses before the first byte was sent, the client gets the problem document and none of the
 * handler's headers. In the middle of a stream, the guard closes the connection. Answers that are not JSON pass.
 *
 * Mount it after `tenantContextMiddleware`, the rate limiter and compression. Without a tenant context the guard refuses every answer that
 * names a tenant. `CrossTenantSafe(reason)` as a route's first handler exempts that route.
 *
 * @example
 * ```ts
 * app.use(tenantContextMiddleware(wall))
 * app.use(responseGuard(createTenantGuard({ events: wall.events, logger: wall.logger })))
 * ```
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function responseGuard(guard: TenantGuard, options: ResponseGuardOptions = {}): RequestHandler {
  const maxBufferBytes = options.maxBufferBytes ?? 8 * 1024 * 1024
  if (!Number.isSafeInteger(maxBufferBytes) || maxBufferBytes < 1) {
    throw new ConfigurationError('responseGuard(guard, options): maxBufferBytes must be a whole number from 1.')
  }
  return (request, response, next) => {
    new GuardedAnswer(guard, maxBufferBytes, request, response).install()
    next()
  }
}

type AnyMethod = (...args: never[]) => unknown

/** One answer, from the first call of the handler to its end or its refusal. */
class GuardedAnswer {
  readonly #guard: TenantGuard
  readonly #maxBufferBytes: number
  readonly #request: Request
  readonly #response: Response
  readonly #context
  /** Headers that were set before the handler. A refusal keeps only these. */
  readonly #headersBefore: OutgoingHttpHeaders
  /** `open`: not decided yet; `passed`: the rest was checked or is exempt; `refused`: the rest is dropped. */
  #state: 'open' | 'passed' | 'refused' = 'open'
  #check: StreamCheck | undefined
  #checkedType = ''

  constructor(guard: TenantGuard, maxBufferBytes: number, request: Request, response: Response) {
    this.#guard = guard
    this.#maxBufferBytes = maxBufferBytes
    this.#request = request
    this.#response = response
    // Use the context of the request, not the one at the time of sending: a callback may have lost the request's context.
    this.#context = tryGetCurrentTenant()
    this.#headersBefore = { ...response.getHeaders() }
  }

  install(): void {
    const { json, send, write, end, writeHead } = this.#response
    this.#replace('json', (args) => this.#json(json, args))
    this.#replace('send', (args) => this.#send(send, args))
    this.#replace('write', (args) => this.#write(write, args))
    this.#replace('end', (args) => this.#end(write, end, args))
    this.#replace('writeHead', (args) => this.#writeHead(writeHead, args))
  }

  #replace(name: string, method: (args: readonly unknown[]) => unknown): void {
    const value = (...args: readonly unknown[]) => method(args)
    Object.defineProperty(this.#response, name, { value, writable: true, configurable: true, enumerable: false })
  }

  #call(method: AnyMethod, args: readonly unknown[]): unknown {
    return Reflect.apply(method, this.#response, args)
  }

  #isExempt(): boolean {
    const reason = crossTenantSafeReason(this.#response)
    if (reason === undefined) return false
    if (this.#state === 'open') this.#guard.noteExempt(reason)
    this.#state = 'passed'
    return true
  }

  /** Only `entities` need the value itself. All other checks read the text that is sent. */
  #json(json: AnyMethod, args: readonly unknown[]): unknown {
    const context = this.#context ?? tryGetCurrentTenant()
    if (
      this.#state === 'open' &&
      context !== undefined &&
      this.#guard.policy.entities.length > 0 &&
      !this.#isExempt()
    ) {
      const error = this.#guard.refusalOfValue(args.at(-1), context)
      if (error !== undefined) return this.#refuse(error)
    }
    return this.#state === 'refused' ? this.#response : this.#call(json, args)
  }

  /** Runs before Express computes an ETag of the body: a client that guesses the ETag must get the same refusal. */
  #send(send: AnyMethod, args: readonly unknown[]): unknown {
    if (this.#state === 'refused') return this.#response
    if (this.#state === 'passed' || this.#isExempt()) return this.#call(send, args)
    // Express 4 also takes (status, body) and (body, status).
    const body = args.length > 1 && typeof args[0] === 'number' ? args[1] : args[0]
    const error = this.#refusalOfBody(body)
    if (error !== undefined) return this.#refuse(error)
    // An object arrives here again as text, because Express sends it through json().
    if (typeof body === 'string' || ArrayBuffer.isView(body)) this.#state = 'passed'
    return this.#call(send, args)
  }

  /** An answer that is sent in one piece. Express encodes text as UTF-8 and sets that charset, whatever was set before. */
  #refusalOfBody(body: unknown): Error | undefined {
    if (body === '' || (typeof body !== 'string' && !ArrayBuffer.isView(body))) return undefined
    const headers = this.#headers()
    const bytes = typeof body === 'string' ? undefined : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    if (bytes?.length === 0) return undefined
    const contentType = bytes === undefined ? withoutCharset(headers.contentType) : headers.contentType
    const reading = readingOf({ ...headers, contentType }, bytes ?? readableStart)
    if (reading.kind === 'unreadable') return this.#refusalOfUnreadable(reading.reason)
    if (typeof body === 'string') return holdsJson(contentType, body) ? this.#refusalOf(body) : undefined
    if (bytes === undefined || reading.kind === 'other' || reading.kind === 'undecided') return undefined
    const text = jsonTextOf(bytes)
    return text === undefined ? this.#refusalOfUnreadable('(JSON that is not UTF-8)') : this.#refusalOf(text)
  }

  #write(write: AnyMethod, args: readonly unknown[]): unknown {
    if (this.#state === 'refused') return settle(args, true)
    if (this.#state === 'passed' || this.#isExempt()) return this.#call(write, args)
    const chunk = chunkOf(args)
    if (chunk === undefined) return this.#call(write, args)
    const verdict = this.#startCheck().write(chunk)
    if (verdict.kind === 'refuse') this.#refuse(verdict.error)
    if (verdict.kind === 'refuse' || verdict.kind === 'hold') return settle(args, true)
    if (verdict.kind === 'pass') this.#state = 'passed'
    return this.#call(write, [verdict.chunk, ...callbacks(args)])
  }

  #end(write: AnyMethod, end: AnyMethod, args: readonly unknown[]): unknown {
    if (this.#state === 'refused') return settle(args, this.#response)
    if (this.#state === 'passed' || this.#isExempt()) return this.#call(end, args)
    const chunk = chunkOf(args)
    const check = chunk === undefined ? this.#check : this.#startCheck()
    if (check === undefined) return this.#call(end, args)
    if (chunk !== undefined) {
      const verdict = check.write(chunk)
      if (verdict.kind === 'refuse') return this.#refuse(verdict.error)
      if (verdict.kind === 'pass') {
        this.#state = 'passed'
        return this.#call(end, [verdict.chunk, ...callbacks(args)])
      }
      if (verdict.kind === 'send') this.#call(write, [verdict.chunk])
    }
    const rest = check.end()
    if (rest.kind === 'refuse') return this.#refuse(rest.error)
    this.#state = 'passed'
    return this.#call(
      end,
      rest.kind !== 'hold' && rest.chunk.length > 0 ? [rest.chunk, ...callbacks(args)] : callbacks(args),
    )
  }

  /** Headers that are passed to `writeHead` can't be read from the response later, so they are recorded here. */
  #writeHead(writeHead: AnyMethod, args: readonly unknown[]): unknown {
    const headers = args.at(-1)
    if (this.#response.headersSent || typeof headers !== 'object' || headers === null)
      return this.#call(writeHead, args)
    for (const [name, value] of headerEntries(headers)) this.#response.setHeader(name, value)
    return this.#call(writeHead, args.slice(0, -1))
  }

  #startCheck(): StreamCheck {
    const headers = this.#headers()
    // A new content type before anything was sent means that the handler replaces the answer which was held back, for example by an error.
    const replaced = headers.contentType !== this.#checkedType && !this.#response.headersSent
    if (this.#check !== undefined && !replaced) return this.#check
    this.#checkedType = headers.contentType
    this.#check = streamCheckFor(headers, {
      maxBufferBytes: this.#maxBufferBytes,
      refusalOf: (text) => this.#refusalOf(text),
      refusalOfUnreadable: (reason) => this.#refusalOfUnreadable(reason),
    })
    return this.#check
  }

  #tenant() {
    return this.#context ?? tryGetCurrentTenant()
  }

  #refusalOf(text: string): Error | undefined {
    return this.#guard.refusalOfJson(text, this.#tenant())
  }

  #refusalOfUnreadable(reason: string): Error | undefined {
    return this.#guard.refusalOfUnreadable(reason, this.#tenant())
  }

  #headers(): BodyHeaders {
    const read = (name: string) => String(this.#response.getHeader(name) ?? '')
    return {
      contentType: read('content-type'),
      codings: `${read('content-encoding')},${read('transfer-encoding')}`,
      isPart: this.#response.statusCode === 206 || this.#response.hasHeader('content-range'),
    }
  }

  #refuse(error: Error): Response {
    const response = this.#response
    this.#state = 'refused'
    if (response.headersSent) {
      // End with an error: after a clean end the client would take the answer for complete.
      response.destroy()
      return response
    }
    for (const name of response.getHeaderNames()) response.removeHeader(name)
    for (const [name, value] of Object.entries(this.#headersBefore)) {
      if (value !== undefined) response.setHeader(name, value)
    }
    response.statusMessage = ''
    this.#state = 'passed'
    answerProblem(this.#request, response, error)
    this.#state = 'refused'
    return response
  }
}

/** Bytes that say nothing about the kind of text, so that only the headers decide. */
const readableStart = Buffer.from('text')

function withoutCharset(contentType: string): string {
  return contentType.replace(/;\s*charset\s*=[^;]*/gi, '')
}

/** Headers as `writeHead` takes them: an object, a flat list of names and values, or a list of pairs. */
function headerEntries(headers: object): [name: string, value: string | string[]][] {
  if (!Array.isArray(headers)) return Object.entries(headers).map(([name, value]) => [name, headerValue(value)])
  const flat: readonly unknown[] = headers.flat()
  const grouped = new Map<string, string[]>()
  for (let index = 0; index + 1 < flat.length; index += 2) {
    const name = String(flat[index])
    grouped.set(name, [...(grouped.get(name) ?? []), String(flat[index + 1])])
  }
  return Array.from(grouped, ([name, values]) => [name, values.length === 1 ? String(values[0]) : values])
}

function headerValue(value: unknown): string | string[] {
  return Array.isArray(value) ? value.map(String) : String(value)
}

function chunkOf(args: readonly unknown[]): Buffer | undefined {
  const [chunk, encoding] = args
  if (typeof chunk === 'string') {
    return Buffer.from(chunk, typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8')
  }
  return ArrayBuffer.isView(chunk) ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : undefined
}

/** The callback that the caller passed to `write` or `end`. */
function callbacks(args: readonly unknown[]): unknown[] {
  return args.filter((argument) => typeof argument === 'function')
}

/** Calls the callback of `write` or `end`, as if the chunk had been sent. */
function settle<T>(args: readonly unknown[], result: T): T {
  for (const callback of callbacks(args)) if (typeof callback === 'function') process.nextTick(() => callback())
  return result
}
