import type { OutgoingHttpHeaders } from 'node:http'
import type { Request, RequestHandler, Response } from 'express'
import { tryGetCurrentTenant } from '../context/run-with-tenant.ts'
import { ConfigurationError } from '../errors.ts'
import { crossTenantSafeReason } from '../guards/cross-tenant-safe.ts'
import type { TenantGuard } from '../guards/tenant-guard.ts'
import { holdsJson, type StreamCheck, streamCheckFor } from './guarded-stream.ts'
import { answerProblem } from './tenant-error-handler.ts'

/** Options of {@link responseGuard}. */
export interface ResponseGuardOptions {
  /** How much of one JSON document, or of one record, is held back while it is looked through; default 8 MiB. Longer ones are refused. */
  readonly maxBufferBytes?: number
}

/**
 * Looks through what an Express application answers, as it is sent, and answers 403 instead where it names another tenant.
 *
 * Sees `res.json`, `res.send`, `res.jsonp`, and JSON that is written or piped: records (NDJSON, JSON lines, server-sent events)
 * one by one, a document as a whole. Refused before the first byte, the client gets the problem document and none of the
 * answer's headers; in the middle of a stream the connection is cut. Answers that are no JSON pass.
 *
 * Mount it behind `tenantContextMiddleware`, the rate limiter and compression. Without a tenant context an answer that names a
 * tenant is refused too. `CrossTenantSafe(reason)` as a route's first handler takes that route out.
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
  /** What others had set before the handler: all that a refusal keeps. */
  readonly #headersBefore: OutgoingHttpHeaders
  /** `open`: nothing decided; `passed`: what follows was checked or is exempt; `refused`: what follows is dropped. */
  #state: 'open' | 'passed' | 'refused' = 'open'
  #check: StreamCheck | undefined
  #checkedType = ''

  constructor(guard: TenantGuard, maxBufferBytes: number, request: Request, response: Response) {
    this.#guard = guard
    this.#maxBufferBytes = maxBufferBytes
    this.#request = request
    this.#response = response
    // Of the request, not of the moment of sending: callbacks may have lost the context.
    this.#context = tryGetCurrentTenant()
    this.#headersBefore = { ...response.getHeaders() }
  }

  install(): void {
    const { json, send, write, end } = this.#response
    this.#replace('json', (args) => this.#json(json, args))
    this.#replace('send', (args) => this.#send(send, args))
    this.#replace('write', (args) => this.#write(write, args))
    this.#replace('end', (args) => this.#end(write, end, args))
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

  /** Only entities need the value itself; all else is read from the text, which is what is sent. */
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

  /** Before Express makes an ETag of the body: a refusal must not differ for a client that guesses it. */
  #send(send: AnyMethod, args: readonly unknown[]): unknown {
    if (this.#state === 'refused') return this.#response
    if (this.#state === 'passed' || this.#isExempt()) return this.#call(send, args)
    // Express 4 also takes (status, body) and (body, status).
    const body = args.length > 1 && typeof args[0] === 'number' ? args[1] : args[0]
    const text = this.#textOf(body)
    if (text !== undefined) {
      const error = this.#refusalOf(text)
      if (error !== undefined) return this.#refuse(error)
    }
    // Objects come back as text: Express sends them through json().
    if (typeof body === 'string' || ArrayBuffer.isView(body)) this.#state = 'passed'
    return this.#call(send, args)
  }

  #textOf(body: unknown): string | undefined {
    const type = this.#contentType()
    if (typeof body === 'string') return holdsJson(type, body.slice(0, 64)) ? body : undefined
    if (!ArrayBuffer.isView(body)) return undefined
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    return holdsJson(type, bytes.toString('utf8', 0, 64)) ? bytes.toString('utf8') : undefined
  }

  #write(write: AnyMethod, args: readonly unknown[]): unknown {
    if (this.#state === 'refused') return settle(args, true)
    if (this.#state === 'passed' || this.#isExempt()) return this.#call(write, args)
    const chunk = chunkOf(args)
    if (chunk === undefined) return this.#call(write, args)
    const check = this.#startCheck(chunk)
    if (check === undefined) return this.#hasRefused() ? settle(args, true) : this.#call(write, args)
    const verdict = check.write(chunk)
    if (verdict.kind === 'refuse') this.#refuse(verdict.error)
    if (verdict.kind !== 'send') return settle(args, true)
    return this.#call(write, [verdict.chunk, ...callbacks(args)])
  }

  #end(write: AnyMethod, end: AnyMethod, args: readonly unknown[]): unknown {
    if (this.#state === 'refused') return settle(args, this.#response)
    if (this.#state === 'passed' || this.#isExempt()) return this.#call(end, args)
    const chunk = chunkOf(args)
    const check = chunk === undefined ? this.#check : this.#startCheck(chunk)
    if (this.#hasRefused()) return settle(args, this.#response)
    if (check === undefined) return this.#call(end, args)
    if (chunk !== undefined) {
      const verdict = check.write(chunk)
      if (verdict.kind === 'refuse') return this.#refuse(verdict.error)
      if (verdict.kind === 'send') this.#call(write, [verdict.chunk])
    }
    const rest = check.end()
    if (rest.kind === 'refuse') return this.#refuse(rest.error)
    this.#state = 'passed'
    return this.#call(
      end,
      rest.kind === 'send' && rest.chunk.length > 0 ? [rest.chunk, ...callbacks(args)] : callbacks(args),
    )
  }

  /** The check of a written answer, decided at its first bytes; undefined where it is no JSON, or was just refused. */
  #startCheck(chunk: Buffer): StreamCheck | undefined {
    const type = this.#contentType()
    // Another type before anything was sent is another answer: an error's, in place of the one that was held back.
    const replaced = type !== this.#checkedType && !this.#response.headersSent
    if (this.#check !== undefined && !replaced) return this.#check
    this.#checkedType = type
    const refusalOfUnreadable = (reason: string) => this.#guard.refusalOfUnreadable(reason, this.#tenant())
    const encoding = this.#response.getHeader('content-encoding')
    if (encoding !== undefined && encoding !== 'identity' && holdsJson(type, '')) {
      const error = refusalOfUnreadable('(compressed JSON: mount the response guard behind compression)')
      if (error !== undefined) this.#refuse(error)
      else this.#state = 'passed'
      return undefined
    }
    this.#check = streamCheckFor(
      type,
      chunk,
      this.#maxBufferBytes,
      (text) => this.#refusalOf(text),
      refusalOfUnreadable,
    )
    if (this.#check === undefined) this.#state = 'passed'
    return this.#check
  }

  #hasRefused(): boolean {
    return this.#state === 'refused'
  }

  #tenant() {
    return this.#context ?? tryGetCurrentTenant()
  }

  #refusalOf(text: string): Error | undefined {
    return this.#guard.refusalOfJson(text, this.#tenant())
  }

  #contentType(): string {
    return String(this.#response.getHeader('content-type') ?? '')
  }

  #refuse(error: Error): Response {
    const response = this.#response
    this.#state = 'refused'
    if (response.headersSent) {
      // A clean end would look like a complete answer.
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

function chunkOf(args: readonly unknown[]): Buffer | undefined {
  const [chunk, encoding] = args
  if (typeof chunk === 'string') {
    return Buffer.from(chunk, typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8')
  }
  return ArrayBuffer.isView(chunk) ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : undefined
}

/** The callback of a call of `write` or `end`, to go along with what is sent. */
function callbacks(args: readonly unknown[]): unknown[] {
  return args.filter((argument) => typeof argument === 'function')
}

/** Tells the writer that its chunk was taken. */
function settle<T>(args: readonly unknown[], result: T): T {
  for (const callback of callbacks(args)) if (typeof callback === 'function') process.nextTick(() => callback())
  return result
}
