import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { crossTenantSafeReason } from '../../guards/cross-tenant-safe.ts'
import type { TenantGuard } from '../../guards/tenant-guard.ts'
import { AnswerJudge } from '../answer-judge.ts'
import type { BodyHeaders } from '../body-reading.ts'
import type { StreamCheck } from '../guarded-stream.ts'
import { callbacks, chunkOf, headerEntries, settle } from './answer-arguments.ts'
import { answerProblem } from './answer-problem.ts'
import { openedRequest } from './exchange.ts'

/** A method of a response; its arguments are passed on as they are. */
export type AnyMethod = (...args: never[]) => unknown

/** How an answer is guarded. */
interface GuardedAnswerOptions {
  readonly guard: TenantGuard
  readonly maxBufferBytes: number
  /**
   * True: `writeHead` only records status and headers, and they are sent with the first checked bytes. Frameworks that call `writeHead`
   * before `end` need this; otherwise a refusal could only cut the connection.
   */
  readonly deferHead?: boolean
}

const guarded = new WeakMap<ServerResponse, GuardedAnswer>()

/**
 * Refuses the answer to a HEAD request if its body would be refused. The body of such an answer is never sent, but its headers reveal facts
 * about it.
 *
 * @returns whether the refusal was sent
 */
export function refuseHead(response: ServerResponse, body: unknown, headers: BodyHeaders): boolean {
  const answer = guarded.get(response)
  const error = answer?.judge.refusalOfBody(body, headers)
  if (error === undefined) return false
  answer?.refuse(error)
  return true
}

/** One answer of Node's HTTP server, from the first call of the handler to its end or its refusal. */
export class GuardedAnswer {
  readonly judge: AnswerJudge
  readonly #deferHead: boolean
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  /** Headers that were set before the handler. A refusal keeps only these. */
  readonly #headersBefore: OutgoingHttpHeaders
  #state: 'open' | 'passed' | 'refused' = 'open'
  #check: StreamCheck | undefined
  #checkedType = ''
  #isSending = false

  /** Made in the context of the request. */
  constructor(
    { guard, maxBufferBytes, deferHead }: GuardedAnswerOptions,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    this.judge = new AnswerJudge(guard, maxBufferBytes)
    this.#deferHead = deferHead ?? false
    this.#request = request
    this.#response = response
    this.#headersBefore = { ...response.getHeaders() }
  }

  /** `open`: not decided yet; `passed`: the rest was checked or is exempt; `refused`: the rest is dropped. */
  get state(): 'open' | 'passed' | 'refused' {
    return this.#state
  }

  /** Replaces the methods by which Node sends an answer. */
  install(): void {
    guarded.set(this.#response, this)
    const { write, end, writeHead, flushHeaders } = this.#response
    this.replace('write', (args) => this.#write(write, args))
    this.replace('end', (args) => this.#end(write, end, args))
    this.replace('writeHead', (args) => this.#writeHead(writeHead, args))
    this.replace('flushHeaders', (args) => this.#call(flushHeaders, args))
  }

  /** Replaces a method of the response. */
  replace(name: string, method: (args: readonly unknown[]) => unknown): void {
    const value = (...args: readonly unknown[]) => method(args)
    Object.defineProperty(this.#response, name, { value, writable: true, configurable: true, enumerable: false })
  }

  /** Records that the whole answer was checked. */
  pass(): void {
    this.#state = 'passed'
  }

  /** Returns whether `CrossTenantSafe` exempts the answer. If it does, lets the answer pass. */
  isExempt(): boolean {
    const reason = crossTenantSafeReason(this.#response)
    if (reason === undefined) return false
    if (this.#state === 'open') this.judge.guard.noteExempt(reason)
    this.#state = 'passed'
    return true
  }

  /** Judges an answer that is sent in one piece. */
  refusalOfBody(body: unknown): Error | undefined {
    return this.judge.refusalOfBody(body, this.#headers())
  }

  /** Answers with a problem in place of the handler's answer, and drops the rest. An answer that has begun is cut off. */
  refuse(error: Error): ServerResponse {
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
    answerProblem(openedRequest(this.#request), this.#request, response, error)
    this.#state = 'refused'
    return response
  }

  /** Calls a method that sends something. During the call, Node itself calls `writeHead` if the head was not sent yet. */
  #call(method: AnyMethod, args: readonly unknown[]): unknown {
    const before = this.#isSending
    this.#isSending = true
    try {
      return Reflect.apply(method, this.#response, args)
    } finally {
      this.#isSending = before
    }
  }

  #write(write: AnyMethod, args: readonly unknown[]): unknown {
    if (this.#state === 'refused') return settle(args, true)
    if (this.#state === 'passed' || this.isExempt()) return this.#call(write, args)
    const chunk = chunkOf(args)
    if (chunk === undefined) return this.#call(write, args)
    const verdict = this.#startCheck().write(chunk)
    if (verdict.kind === 'refuse') this.refuse(verdict.error)
    if (verdict.kind === 'refuse' || verdict.kind === 'hold') return settle(args, true)
    if (verdict.kind === 'pass') this.#state = 'passed'
    return this.#call(write, [verdict.chunk, ...callbacks(args)])
  }

  #end(write: AnyMethod, end: AnyMethod, args: readonly unknown[]): unknown {
    if (this.#state === 'refused') return settle(args, this.#response)
    if (this.#state === 'passed' || this.isExempt()) return this.#call(end, args)
    const chunk = chunkOf(args)
    const check = chunk === undefined ? this.#check : this.#startCheck()
    if (check === undefined) return this.#call(end, args)
    if (chunk !== undefined) {
      const verdict = check.write(chunk)
      if (verdict.kind === 'refuse') return this.refuse(verdict.error)
      if (verdict.kind === 'pass') {
        this.#state = 'passed'
        return this.#call(end, [verdict.chunk, ...callbacks(args)])
      }
      if (verdict.kind === 'send') this.#call(write, [verdict.chunk])
    }
    const rest = check.end()
    if (rest.kind === 'refuse') return this.refuse(rest.error)
    this.#state = 'passed'
    return this.#call(
      end,
      rest.kind !== 'hold' && rest.chunk.length > 0 ? [rest.chunk, ...callbacks(args)] : callbacks(args),
    )
  }

  /** Headers that are passed to `writeHead` can't be read from the response later, so they are recorded here. */
  #writeHead(writeHead: AnyMethod, args: readonly unknown[]): unknown {
    const response = this.#response
    if (response.headersSent) return this.#call(writeHead, args)
    const headers = args.at(-1)
    const hasHeaders = typeof headers === 'object' && headers !== null
    if (hasHeaders) for (const [name, value] of headerEntries(headers)) response.setHeader(name, value)
    if (!this.#deferHead || this.#isSending || this.#state !== 'open')
      return this.#call(writeHead, hasHeaders ? args.slice(0, -1) : args)
    const [status, message] = args
    response.statusCode = Number(status)
    if (typeof message === 'string') response.statusMessage = message
    return response
  }

  #startCheck(): StreamCheck {
    const headers = this.#headers()
    // A new content type before anything was sent means that the handler replaces the answer which was held back, for example by an error.
    const replaced = headers.contentType !== this.#checkedType && !this.#response.headersSent
    if (this.#check !== undefined && !replaced) return this.#check
    this.#checkedType = headers.contentType
    this.#check = this.judge.streamCheck(headers)
    return this.#check
  }

  #headers(): BodyHeaders {
    const read = (name: string) => String(this.#response.getHeader(name) ?? '')
    return {
      contentType: read('content-type'),
      codings: `${read('content-encoding')},${read('transfer-encoding')}`,
      isPart: this.#response.statusCode === 206 || this.#response.hasHeader('content-range'),
    }
  }
}
