import { getCurrentTenant, runInTenantFrame } from '../context/run-with-tenant.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import { ConfigurationError, DependencyUnavailableError, isPartywallError } from '../errors.ts'
import type { Logger } from '../logger/logger.ts'
import { isGrant, type RoleGrants, type RoleSource } from './grants.ts'

/** Reads what the roles of a context give, once a context: from a table, or from the application's own function. */
export class RoleReader {
  readonly #log: Logger
  readonly #readRole: (role: string, context: TenantContext) => unknown
  /** A table of roles answers at once, and the same for every context. */
  readonly #isTable: boolean
  #isAsync = false
  /** A context is frozen, so that its grants hold as long as it lives. */
  readonly #known = new WeakMap<TenantContext, readonly RoleGrants[]>()
  readonly #reading = new WeakSet<TenantContext>()

  constructor(source: RoleSource<string>, log: Logger) {
    this.#log = log
    this.#isTable = typeof source !== 'function'
    this.#readRole = roleReader(source)
  }

  /** The grants, where the source answers at once or has answered; undefined while it has not. */
  known(context: TenantContext): readonly RoleGrants[] | undefined {
    const before = this.#known.get(context)
    // The source's own query asks for the level of its context: it must not start the source again.
    if (before !== undefined || this.#isAsync || this.#reading.has(context)) return before
    this.#reading.add(context)
    const answers = [...new Set(context.roles)].map((role) => ({ role, answer: this.#readRole(role, context) }))
    this.#reading.delete(context)
    for (const { answer } of answers) {
      if (!isPromise(answer)) continue
      this.#isAsync = true
      // Its failure is met again by load(), which asks anew.
      answer.then(undefined, () => {})
    }
    if (this.#isAsync) return undefined
    const grants = answers.map(({ role, answer }) => this.#check(role, answer))
    this.#known.set(context, grants)
    return grants
  }

  /** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` where an async source has not answered for this context */
  grantsOf(context: TenantContext): readonly RoleGrants[] {
    const grants = this.known(context)
    if (grants !== undefined) return grants
    throw new ConfigurationError('The roles come from an async source: await access.load() in this context first.')
  }

  /** @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` where the source failed */
  async load(context: TenantContext): Promise<void> {
    if (this.#isTable || this.#known.has(context)) return
    this.#known.set(context, await this.#readAll(context))
  }

  isLoaded(current: () => TenantContext): boolean {
    return this.#isTable || this.#known.has(current())
  }

  async #readAll(context: TenantContext): Promise<readonly RoleGrants[]> {
    try {
      // In a frame of its own: a pool decides the level once a context, and this context's is not known before the answer.
      return await runInTenantFrame(context, {}, () => {
        this.#reading.add(getCurrentTenant())
        const roles = [...new Set(context.roles)]
        return Promise.all(roles.map(async (role) => this.#check(role, await this.#readRole(role, context))))
      })
    } catch (cause) {
      if (isPartywallError(cause)) throw cause
      throw new DependencyUnavailableError('The roles of the user could not be read.', { cause })
    }
  }

  #check(role: string, answer: unknown): RoleGrants {
    if (!Array.isArray(answer)) return { role, known: false, grants: [] }
    const grants = answer.filter(isGrant)
    if (grants.length < answer.length) {
      this.#log.warn({ role, left: answer.length - grants.length }, 'access: grants that are none were left out')
    }
    return { role, known: true, grants }
  }
}

/** A role of the configuration is looked up as an own property: a token's role may be called `constructor`. */
function roleReader(source: RoleSource<string>): (role: string, context: TenantContext) => unknown {
  if (typeof source === 'function') return source
  const table = new Map(Object.entries(source).map(([role, grants]) => [role, Object.freeze([...grants])]))
  return (role) => table.get(role)
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function'
}
