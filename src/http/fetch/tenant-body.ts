import type { StreamCheck } from '../guarded-stream.ts'
import type { HttpRequest } from '../http-request.ts'
import { logFailure } from '../problem.ts'

/** A piece of an answer's body; undefined at its end. */
type Piece = Uint8Array | undefined

/** The body of an answer. It is read in the tenant's context, and checked if there is a check. */
export class TenantBody {
  readonly #http: HttpRequest
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #done: () => void
  #check: StreamCheck | undefined
  #ahead: Promise<Piece> | undefined
  #fail: ((error: unknown) => void) | undefined
  #failure: unknown
  #ended = false

  /** @param done called once, when the body was sent to its end, has failed or was cancelled */
  constructor(http: HttpRequest, body: ReadableStream<Uint8Array>, check: StreamCheck | undefined, done: () => void) {
    this.#http = http
    this.#reader = body.getReader()
    this.#check = check
    this.#done = done
  }

  /** Reads to the first bytes that may be sent, so that a refusal can still replace the answer. @throws the refusal */
  async readAhead(): Promise<void> {
    const ahead = this.#next()
    this.#ahead = ahead
    await ahead
  }

  /** The stream that is sent to the client. */
  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#fail = (error) => controller.error(error)
          if (this.#failure !== undefined) controller.error(this.#failure)
        },
        pull: async (controller) => {
          try {
            const piece = await (this.#ahead ?? this.#next())
            this.#ahead = undefined
            if (this.#ended) return
            if (piece !== undefined) controller.enqueue(piece)
            else {
              controller.close()
              this.#end()
            }
          } catch (error) {
            if (!this.#ended) logFailure(this.#http, error)
            this.stop(error)
          }
        },
        cancel: (reason) => this.stop(reason),
      },
      { highWaterMark: 0 },
    )
  }

  /** Ends the body with an error, and cancels its source. */
  stop(reason: unknown): void {
    if (this.#ended) return
    this.#failure = reason
    this.#fail?.(reason)
    this.#end()
    this.#http.run(() => this.#reader.cancel(reason)).catch(() => {})
  }

  #end(): void {
    this.#ended = true
    this.#done()
  }

  async #next(): Promise<Piece> {
    for (;;) {
      const { done, value } = await this.#http.run(() => this.#reader.read())
      const stopped = this.#http.stopped()
      if (stopped !== undefined) throw stopped
      if (this.#check === undefined) return done ? undefined : value
      const piece = done ? this.#rest(this.#check) : this.#judged(this.#check, value)
      if (done || piece !== undefined) return piece
    }
  }

  #judged(check: StreamCheck, value: Uint8Array): Piece {
    const verdict = check.write(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
    if (verdict.kind === 'refuse') throw verdict.error
    if (verdict.kind === 'hold') return undefined
    if (verdict.kind === 'pass') this.#check = undefined
    return Buffer.from(verdict.chunk)
  }

  #rest(check: StreamCheck): Piece {
    this.#check = undefined
    const verdict = check.end()
    if (verdict.kind === 'refuse') throw verdict.error
    return verdict.kind === 'hold' || verdict.chunk.length === 0 ? undefined : Buffer.from(verdict.chunk)
  }
}
