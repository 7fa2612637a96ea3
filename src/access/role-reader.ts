import { getCurrentTenant, runInTenantFrame } from '../context/run-with-tenant.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import { ConfigurationError, DependencyUnavailableError, isPartywallError } from '../errors.ts'
import type { Logger } from '../logger/logger.ts'
import { isGrant, type RoleGrants, type RoleSource } from './grants.ts'

/** Reads the grants of a context's roles, once per context: from the configured object, or from the application's function. */
export class RoleReader {
  readonly #log: Logger
  readonly #readRole: (role: string, context: TenantContext) => unknown
  /** True if the roles are a configured object, which is synchronous and the same for every context. */
  readonly #isTable: boolean
  #isAsync = false
  /** Grants by context. A context is frozen, so its roles and their grants don't change. */
  readonly #known = new WeakMap<TenantContext, readonly RoleGrants[]>()
  readonly #reading = new WeakSet<TenantContext>()

  constructor(source: RoleSource<string>, log: Logger) {
    this.#log = log
    this.#isTable = typeof source !== 'function'
    this.#readRole = roleReader(source)
  }

  /** The grants, if the source is synchronous or has answered already; otherwise undefined. */
  known(context: TenantContext): readonly RoleGrants[] | undefined {
    const before = this.#known.get(context)
    // If the source runs a query, the pool asks for the level of the context, and known() is called again. Then do not call the source
    // again.
    if (before !== undefined || this.#isAsync || this.#reading.has(context)) return before
    this.#reading.add(context)
    const answers = [...new Set(context.roles)].map((role) => ({ role, answer: this.#readRole(role, context) }))
    this.#reading.delete(context)
    for (const { answer } of answers) {
      if (!isPromise(answer)) continue
      this.#isAsync = true
      // Ignore a failure here: load() calls the source again and reports the failure.
      answer.then(undefined, () => {})
    }
    if (this.#isAsync) return undefined
    const grants = answers.map(({ role, answer }) => this.#check(role, answer))
    this.#known.set(context, grants)
    return grants
  }

  /** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if an async source has not answered for this context */
  grantsOf(context: TenantContext): readonly RoleGrants[] {
    const grants = this.known(context)
    if (grants !== undefined) return grants
    throw new ConfigurationError('The roles come from an async source: await access.load() in this context first.')
  }

  /** @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` if the source failed */
  async load(context: TenantContext): Promise<void> {
    if (this.#isTable || this.#known.has(context)) return
    this.#known.set(context, await this.#readAll(context))
  }

  isLoaded(current: () => TenantContext): boolean {
    return this.#isTable || this.#known.has(current())
  }

  async #readAll(context: TenantContext): Promise<readonly RoleGrants[]> {
    try {
      // Use a new frame. The pool fixes the level once per context. If the source's queries used the current context, the level would be
      // fixed before the roles are known.
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
      this.#log.warn({ role, left: answer.length - grants.length }, 'access: values that are not grants were ignored')
    }
    return { role, known: true, grants }
  }
}

/** Looks roles up in a Map and not in the object: a token's role may be called `constructor`. */
function roleReader(source: RoleSource<string>): (role: string, context: TenantContext) => unknown {
  if (typeof source === 'function') return source
  const table = new Map(Object.entries(source).map(([role, grants]) => [role, Object.freeze([...grants])]))
  return (role) => table.get(role)
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function'
}
