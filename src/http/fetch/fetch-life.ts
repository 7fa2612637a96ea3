import type { HttpRequest } from '../http-request.ts'
import type { TenantBody } from './tenant-body.ts'

/** How long a request counts as in flight after its client disconnected, if its handler has not answered. */
const ABANDONED_MS = 30_000

/** Ends a request of the fetch API: after its answer, when its tenant is suspended, or when its client disconnects. */
export class FetchLife {
  readonly #http: HttpRequest
  readonly #signal: AbortSignal
  readonly #stopped: Promise<never>
  #reject: (reason: unknown) => void = () => {}
  #leave: () => void = () => {}
  #handled: Promise<unknown> | undefined
  #body: TenantBody | undefined
  #ended = false

  constructor(http: HttpRequest, signal: AbortSignal) {
    this.#http = http
    this.#signal = signal
    this.#stopped = new Promise((_resolve, reject) => {
      this.#reject = reject
    })
    // The promise may reject when nobody waits for it.
    this.#stopped.catch(() => {})
  }

  /** Begins to watch for a suspension of the tenant and a disconnection of the client. Called after admission. */
  watch(): void {
    this.#http.onStop(this.#stop)
    this.#signal.addEventListener('abort', this.#abort, { once: true })
    if (this.#signal.aborted) this.#abort()
  }

  /** Waits for `work`. @throws the reason, if the request is stopped before `work` is done */
  unlessStopped<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#stopped])
  }

  /** Remembers the handler's work: a request is in flight until its handler has ended, also if its client has disconnected. */
  handling<T>(work: Promise<T>): Promise<T> {
    this.#handled = work
    return work
  }

  /** Remembers the body that is being sent, so that it can be cut off. */
  sending(body: TenantBody): void {
    this.#body = body
    this.#handled = undefined
  }

  enter(leave: () => void): void {
    this.#leave = leave
  }

  /** Ends the request. Idempotent. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#signal.removeEventListener('abort', this.#abort)
    this.#http.close()
    if (this.#handled === undefined) this.#leave()
    else this.#leaveAfter(this.#handled, this.#leave)
  }

  #leaveAfter(handled: Promise<unknown>, leave: () => void): void {
    const timer = setTimeout(leave, ABANDONED_MS).unref()
    const settle = (answer?: unknown) => {
      clearTimeout(timer)
      leave()
      // The answer comes too late. Cancel its body, so that the source of the body does not wait for a reader.
      if (answer instanceof Response) answer.body?.cancel().catch(() => {})
    }
    handled.then(settle, () => settle())
  }

  readonly #stop = (reason: unknown): void => {
    this.#reject(reason)
    this.#body?.stop(reason)
  }

  readonly #abort = (): void => this.#stop(this.#signal.reason)
}
