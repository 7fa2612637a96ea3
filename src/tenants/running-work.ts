import { AuthenticationError, TenantInactiveError } from '../errors.ts'

/** One running request or job. */
export interface Work {
  /** Returns the error if the work must stop; undefined while it may continue. */
  readonly stopped: () => Error | undefined
  /**
   * Registers the listener that is called once when the work must stop. The listener sends the refusal, or closes the connection if the
   * answer is partly sent.
   */
  onStop(listener: (reason: Error) => void): void
  end(): void
}

/** The running requests and jobs of this process, by tenant. Suspension stops them, and closing waits for them. */
export class RunningWork {
  readonly #byTenant = new Map<string, Set<OneWork>>()
  readonly #isInactive: (tenantId: string) => boolean
  #waiting: (() => void)[] = []

  /**
   * @param isInactive says whether a tenant is inactive. It is called for work that continues after its request or job has ended. `stop` no
   *   longer reaches such work
   */
  constructor(isInactive: (tenantId: string) => boolean = () => false) {
    this.#isInactive = isInactive
  }

  /** Tenants with running work. */
  get tenants(): readonly string[] {
    return [...this.#byTenant.keys()]
  }

  get count(): number {
    let sum = 0
    for (const works of this.#byTenant.values()) sum += works.size
    return sum
  }

  /**
   * Begins work of a tenant.
   *
   * @param isRevoked says whether the work's token was revoked. Default: the work has no token
   */
  begin(tenantId: string, isRevoked: () => boolean = () => false): Work {
    const work = new OneWork(
      () => this.#remove(tenantId, work),
      () => this.#isInactive(tenantId),
      isRevoked,
    )
    const works = this.#byTenant.get(tenantId)
    if (works === undefined) this.#byTenant.set(tenantId, new Set([work]))
    else works.add(work)
    return work
  }

  /** Stops all work of a tenant. The queries of this work are refused from now on. */
  stop(tenantId: string): void {
    for (const work of [...(this.#byTenant.get(tenantId) ?? [])]) {
      work.stop(suspended())
    }
  }

  /** Stops all work whose token was revoked. */
  stopRevoked(): void {
    for (const works of this.#byTenant.values())
      for (const work of [...works]) if (work.isRevoked()) work.stop(revoked())
  }

  /** Resolves when no work is running. */
  idle(): Promise<void> {
    if (this.#byTenant.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  #remove(tenantId: string, work: OneWork): void {
    const works = this.#byTenant.get(tenantId)
    if (works === undefined || !works.delete(work) || works.size > 0) return
    this.#byTenant.delete(tenantId)
    if (this.#byTenant.size > 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

function suspended(): TenantInactiveError {
  return new TenantInactiveError('The tenant was suspended while this work was under way.')
}

function revoked(): AuthenticationError {
  return new AuthenticationError('The token was revoked while this work was under way.', {
    details: { reason: 'revoked' },
  })
}

class OneWork implements Work {
  readonly #remove: () => void
  readonly #isInactive: () => boolean
  readonly isRevoked: () => boolean
  #ended = false
  #reason: Error | undefined
  #listener: ((reason: Error) => void) | undefined

  constructor(remove: () => void, isInactive: () => boolean, isRevoked: () => boolean) {
    this.#remove = remove
    this.#isInactive = isInactive
    this.isRevoked = isRevoked
  }

  readonly stopped = (): Error | undefined => {
    if (this.#ended && this.#isInactive()) this.#reason ??= suspended()
    return this.#reason
  }

  onStop(listener: (reason: Error) => void): void {
    this.#listener = listener
    if (this.#reason !== undefined) listener(this.#reason)
  }

  stop(reason: Error): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#listener?.(reason)
  }

  end(): void {
    this.#ended = true
    this.#remove()
  }
}
