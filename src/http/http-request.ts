import type { AccessControl } from '../access/access-control.ts'
import { readBearerToken } from '../auth/bearer.ts'
import { rememberClient } from '../context/client-info.ts'
import { type ContextFrame, isTenantFrame } from '../context/frame.ts'
import { startInside } from '../context/lazy-thenable.ts'
import { runInTenantFrame } from '../context/run-with-tenant.ts'
import { tenantStore } from '../context/store.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import { TenantContextMissingError } from '../errors.ts'
import type { Work } from '../tenants/running-work.ts'
import { type HttpCall, type OpenOptions, requestIdOf } from './http-call.ts'
import { checkPermission } from './permission.ts'
import { failureProblem, type Problem } from './problem.ts'
import type { RequestWall } from './request-wall.ts'
import { hintReader } from './tenant-hints.ts'

/**
 * Opens a request: makes its id. Nothing is verified before {@link HttpRequest.admit}.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if `options.agreement` is not valid
 * @see RFC 6750, section 2.1 (bearer tokens); OWASP API1:2023 (Broken Object Level Authorization)
 */
export function openRequest<Call extends HttpCall>(
  wall: RequestWall,
  call: Call,
  options: OpenOptions<Call> = {},
): HttpRequest {
  const { agreement, refuseBlocked, token } = options
  const tokenOf = token === undefined ? undefined : () => token(call)
  return new HttpRequest(wall, call, { agreement, refuseBlocked, token: tokenOf })
}

/** The options of one request. `token` is bound to the request's call. */
interface BoundOptions extends Omit<OpenOptions, 'token'> {
  readonly token: (() => string | undefined) | undefined
}

/** One request, from its token to the end of its answer. It does not depend on a framework. */
export class HttpRequest {
  readonly requestId: string
  readonly wall: RequestWall
  readonly call: HttpCall
  readonly #options: BoundOptions
  readonly #hintsOf: ReturnType<typeof hintReader>
  readonly #stopListeners: ((reason: Error) => void)[] = []
  #context: TenantContext | undefined
  #frame: ContextFrame | undefined
  #work: Work | undefined

  /** Adapters call {@link openRequest}. */
  constructor(wall: RequestWall, call: HttpCall, options: BoundOptions) {
    this.wall = wall
    this.call = call
    this.#options = options
    this.#hintsOf = hintReader(options.agreement)
    this.requestId = requestIdOf(wall, call)
  }

  /** The context that admission made. Undefined before. */
  get context(): TenantContext | undefined {
    return this.#context
  }

  /**
   * Verifies the token, finds the tenant, compares other hints with it, and checks the membership. The tenant comes from the verified token
   * and from nothing else.
   *
   * Admission runs outside of every tenant context, also if the server was started inside one. After admission, suspension of the tenant
   * stops the request, and closing the wall waits for {@link close}.
   *
   * @throws {AuthenticationError} `PARTYWALL_AUTHENTICATION`; for this and all other refusals see `Admission.admit`
   * @throws {ClosedError} `PARTYWALL_CLOSED` while the wall closes
   */
  async admit(): Promise<TenantContext> {
    const { call, requestId } = this
    const { token, refuseBlocked } = this.#options
    const context = await this.wall.admit({
      token: token === undefined ? readBearerToken(call.header('authorization')) : token(),
      requestId,
      clientAddress: call.ip,
      refuseBlocked,
      hints: this.#hintsOf(call),
    })
    this.#context = context
    const work = this.wall.beginWork(context.tenantId, context)
    this.#work = work
    work.onStop((reason) => {
      for (const listener of this.#stopListeners) listener(reason)
    })
    return context
  }

  /**
   * Runs `fn` in the tenant's context, each time in the same one. Statements of GET and HEAD requests are read-only, in pools with
   * `readOnlyOnSafeMethods`.
   *
   * @throws {TenantContextMissingError} `PARTYWALL_CONTEXT_MISSING` before admission
   * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` inside the context of another tenant, for example if the server was started
   * inside it
   * @see RFC 9110, section 9.2.1: safe methods
   */
  run<T>(fn: () => T): T {
    const frame = this.#frame
    return frame === undefined ? this.#openFrame(fn) : tenantStore.run(frame, () => startInside(fn()))
  }

  #openFrame<T>(fn: () => T): T {
    const { wall, call } = this
    const context = this.#context
    const work = this.#work
    if (context === undefined || work === undefined)
      throw new TenantContextMissingError('run() was called before the request was admitted.')
    const readOnly = call.method === 'GET' || call.method === 'HEAD'
    return runInTenantFrame(context, { events: wall.events, readOnly, stopped: work.stopped }, () => {
      const frame = tenantStore.getStore()
      this.#frame = frame
      this.#context = isTenantFrame(frame) ? frame : context
      rememberClient(() => ({ ip: call.ip, userAgent: call.userAgent }))
      return fn()
    })
  }

  /** Whether `admit` has succeeded. */
  get admitted(): boolean {
    return this.#work !== undefined
  }

  /** The error with which the request must stop, such as when its tenant was suspended. Undefined while it may go on. */
  stopped(): Error | undefined {
    return this.#work?.stopped()
  }

  /**
   * Registers a listener for the moment when the request must stop. The listener answers with the error, or cuts an answer that has begun.
   * It is called at once if the request must stop already.
   */
  onStop(listener: (reason: Error) => void): void {
    this.#stopListeners.push(listener)
    const reason = this.stopped()
    if (reason !== undefined) listener(reason)
  }

  /**
   * Checks a permission in the request's context.
   *
   * @param object loads the object for grants with conditions; it runs in the tenant's context
   * @throws {PermissionDeniedError} `PARTYWALL_PERMISSION_DENIED`; or the returned promise rejects with this error
   * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if `access` is undefined
   */
  check(
    access: AccessControl | undefined,
    permission: string,
    object?: () => object | undefined | Promise<object | undefined>,
  ): void | Promise<void> {
    return this.run(() => checkPermission(access, permission, object))
  }

  /**
   * The answer to an error. Errors of PostgreSQL are translated, also if an ORM has wrapped them. Answers with status 500 or above are
   * logged.
   */
  problem(error: unknown): Problem {
    return failureProblem(error, this)
  }

  /** Ends the request: suspension no longer stops it, and closing the wall no longer waits for it. Idempotent. */
  close(): void {
    this.#work?.end()
  }
}
