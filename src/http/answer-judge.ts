import { tryGetCurrentTenant } from '../context/run-with-tenant.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import { ConfigurationError } from '../errors.ts'
import type { TenantGuard } from '../guards/tenant-guard.ts'
import { type BodyHeaders, holdsJson, readingOf } from './body-reading.ts'
import { jsonTextOf, type StreamCheck, type StreamJudge, streamCheckFor } from './guarded-stream.ts'

const DEFAULT_BUFFER = 8 * 1024 * 1024

/**
 * Returns the largest size in bytes of a JSON document, or of one line of a JSON stream, that the guard holds back until it
 * is checked; default 8 MiB.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function bufferSize(maxBufferBytes: number | undefined, caller: string): number {
  const size = maxBufferBytes ?? DEFAULT_BUFFER
  if (Number.isSafeInteger(size) && size >= 1) return size
  throw new ConfigurationError(`${caller}: maxBufferBytes must be a whole number from 1.`)
}

/** Checks one answer with a guard, in the context of its request. */
export class AnswerJudge implements StreamJudge {
  readonly guard: TenantGuard
  readonly maxBufferBytes: number
  readonly #context: TenantContext | undefined

  /** Call this in the context of the request: a callback that sends the answer later may have lost that context. */
  constructor(guard: TenantGuard, maxBufferBytes: number) {
    this.guard = guard
    this.maxBufferBytes = maxBufferBytes
    this.#context = tryGetCurrentTenant()
  }

  /** The request's tenant. If the judge was made outside a context, the tenant of the current context. */
  get tenant(): TenantContext | undefined {
    return this.#context ?? tryGetCurrentTenant()
  }

  readonly refusalOf = (text: string): Error | undefined => this.guard.refusalOfJson(text, this.tenant)

  readonly refusalOfUnreadable = (reason: string): Error | undefined =>
    this.guard.refusalOfUnreadable(reason, this.tenant)

  /** Judges an answer that is sent in one piece. Text is encoded as UTF-8, whatever charset the headers name. */
  refusalOfBody(body: unknown, headers: BodyHeaders): Error | undefined {
    if (body === '' || (typeof body !== 'string' && !ArrayBuffer.isView(body))) return undefined
    const bytes = typeof body === 'string' ? undefined : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    if (bytes?.length === 0) return undefined
    const contentType = bytes === undefined ? withoutCharset(headers.contentType) : headers.contentType
    const reading = readingOf({ ...headers, contentType }, bytes ?? readableStart)
    if (reading.kind === 'unreadable') return this.refusalOfUnreadable(reading.reason)
    if (typeof body === 'string') return holdsJson(contentType, body) ? this.refusalOf(body) : undefined
    if (bytes === undefined || reading.kind === 'other' || reading.kind === 'undecided') return undefined
    const text = jsonTextOf(bytes)
    return text === undefined ? this.refusalOfUnreadable('(JSON that is not UTF-8)') : this.refusalOf(text)
  }

  /** Begins the check of an answer that is sent in several chunks. */
  streamCheck(headers: BodyHeaders): StreamCheck {
    return streamCheckFor(headers, this)
  }
}

/** Bytes that say nothing about the kind of text, so that only the headers decide. */
const readableStart = Buffer.from('text')

function withoutCharset(contentType: string): string {
  return contentType.replace(/;\s*charset\s*=[^;]*/gi, '')
}
