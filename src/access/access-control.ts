import { parseOptions } from '../config/parse-options.ts'
import { internalsOf } from '../context/frame.ts'
import { getCurrentTenant } from '../context/run-with-tenant.ts'
import { tenantStore } from '../context/store.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import { ConfigurationError, PermissionDeniedError } from '../errors.ts'
import { createDefaultLogger, type Logger } from '../logger/logger.ts'
import { type AccessControlOptions, accessSchema } from './access-options.ts'
import { answerOf, type Decision, decide, reachesAny } from './decide.ts'
import { isPermissionName } from './permission-pattern.ts'
import { RoleReader } from './role-reader.ts'

/** The database role that a context runs as. */
export type AccessLevel = 'tenant_user' | 'tenant_admin'

/** Numbers of decisions of `requirePermission` and `requireTier` since the access control was created. */
export interface AccessCounts {
  readonly allowed: number
  readonly denied: number
  /** Refusals that `enforcement: 'report'` did not enforce. */
  readonly wouldDeny: number
}

/** Decides what the current user may do inside their own tenant. `P` is the type of the permissions. */
export interface AccessControl<P extends string = string> {
  /**
   * Returns whether the current context has a permission. If an object is passed, the answer is for this object.
   *
   * A grant with a condition gives nothing if no object is passed. With `enforcement: 'report'`, the result is still the real decision.
   *
   * @throws {TenantContextMissingError} `PARTYWALL_CONTEXT_MISSING` outside a tenant context
   * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if roles come from an async source and `load()` was not awaited
   */
  can(permission: P, object?: object): boolean
  /**
   * Throws unless {@link can} returns true. If the second argument is a function, it must return true as well. With `enforcement: 'report'`
   * it only logs.
   *
   * @returns the current context
   * @throws {PermissionDeniedError} `PARTYWALL_PERMISSION_DENIED`; emits PERMISSION_DENIED
   */
  requirePermission(permission: P, objectOrCondition?: object | ((context: TenantContext) => boolean)): TenantContext
  /**
   * Throws unless the tenant has this tier or a higher one. A tenant whose tier is not in the options is lower than all tiers. With
   * `enforcement: 'report'` it only logs.
   */
  requireTier(tier: string): TenantContext
  /** Returns the decision with its reason, as the debug log shows it. Emits no event. */
  explain(permission: P, object?: object): Decision
  /**
   * Returns the database role of a context, which depends on the context's permissions. Pass this function as
   * `createTenantPool({ levelOf })`. If an asynchronous source of roles has not answered yet, the result is `tenant_user`. Await `load()`
   * before the context's first query, because the pool calls this function only once per context.
   */
  levelOf(context: TenantContext): AccessLevel
  /**
   * Reads the roles of the current context from an asynchronous source, once per context. The middleware
   * `requirePermission` of partywall/express awaits it.
   *
   * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` if the source failed
   */
  load(): Promise<void>
  /** Whether `load()` has nothing to do: the roles are configured as an object, or were read for the current context. */
  isLoaded(): boolean
  counts(): AccessCounts
}

/**
 * Makes an access control. Roles give permissions inside a tenant, and the token can narrow them. An unknown role gives no permission.
 *
 * @example
 * ```ts
 * const access = createAccessControl<'documents:read' | 'documents:update'>({
 *   roles: {
 *     owner: ['*'],
 *     member: ['documents:read', { permission: 'documents:update', when: (context, row) => isAuthor(row, context.userId) }],
 *   },
 * })
 * access.requirePermission('documents:update', document)
 * ```
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function createAccessControl<P extends string = string>(
  options: AccessControlOptions<NoInfer<P>>,
): AccessControl<P> {
  parseOptions(accessSchema, options, 'createAccessControl(options)')
  return new RoleAccessControl<P>(options)
}

/** The functions are fields, so that callers can pass them on without binding them. */
class RoleAccessControl<P extends string> implements AccessControl<P> {
  readonly #options: AccessControlOptions<NoInfer<P>>
  readonly #log: Logger
  readonly #reader: RoleReader
  readonly #tiers: readonly string[]
  readonly #adminPatterns: readonly string[]
  readonly #counts = { allowed: 0, denied: 0, wouldDeny: 0 }

  constructor(options: AccessControlOptions<NoInfer<P>>) {
    this.#options = options
    this.#log = options.logger ?? createDefaultLogger()
    this.#reader = new RoleReader(options.roles, this.#log)
    this.#tiers = [...(options.tiers ?? ['free', 'pro', 'enterprise'])]
    this.#adminPatterns = options.levels?.tenant_admin ?? ['*']
  }

  readonly can = (permission: P, object?: object): boolean =>
    this.#judge(getCurrentTenant(), permission, object).allowed

  readonly explain = (permission: P, object?: object): Decision => this.#judge(getCurrentTenant(), permission, object)

  readonly requirePermission: AccessControl<P>['requirePermission'] = (permission, objectOrCondition) => {
    const context = getCurrentTenant()
    if (typeof objectOrCondition !== 'function')
      return this.#settle(context, this.#judge(context, permission, objectOrCondition))
    const decision = this.#judge(context, permission, undefined)
    if (!decision.allowed) return this.#settle(context, decision)
    const met = answerOf(Reflect.apply(objectOrCondition, undefined, [context]), permission)
    return this.#settle(context, met ? decision : { ...decision, allowed: false, reason: 'condition-not-met' })
  }

  readonly requireTier = (tier: string): TenantContext => {
    const context = getCurrentTenant()
    const needed = this.#tiers.indexOf(tier)
    if (needed === -1)
      throw new ConfigurationError('requireTier(tier): this tier is not among the tiers of the options.')
    const allowed = this.#tiers.indexOf(context.tier) >= needed
    const reason = allowed ? 'granted' : 'tier-too-low'
    return this.#settle(context, { allowed, permission: `tier:${tier}`, reason, roles: [], unknownRoles: [] })
  }

  readonly levelOf = (context: TenantContext): AccessLevel => {
    const grants = this.#reader.known(context) ?? []
    const held = this.#narrows(context) ? (context.permissions ?? []) : undefined
    return reachesAny(this.#adminPatterns, grants, held) ? 'tenant_admin' : 'tenant_user'
  }

  readonly load = async (): Promise<void> => this.#reader.load(getCurrentTenant())

  readonly isLoaded = (): boolean => this.#reader.isLoaded(getCurrentTenant)

  readonly counts = (): AccessCounts => ({ ...this.#counts })

  /** Whether the token's permissions narrow the permissions of the roles. */
  #narrows(context: TenantContext): boolean {
    const { tokenPermissions = 'when-present' } = this.#options
    if (tokenPermissions === 'never') return false
    return tokenPermissions === 'always' || context.permissions !== undefined
  }

  #judge(context: TenantContext, permission: string, object: object | undefined): Decision {
    if (!isPermissionName(permission)) {
      throw new ConfigurationError(
        'Ask for a permission by its full name, such as documents:read. A wildcard is not allowed here.',
      )
    }
    const roleGrants = this.#reader.grantsOf(context)
    const decision = decide({ context, permission, object, roleGrants, narrows: this.#narrows(context) })
    this.#log.debug({ ...decision, requestId: context.requestId }, 'access: decision')
    return decision
  }

  /** Counts a decision, and throws if it does not allow the action. */
  #settle(context: TenantContext, decision: Decision): TenantContext {
    if (decision.allowed) {
      this.#counts.allowed++
      return context
    }
    const { permission, reason } = decision
    if (this.#options.enforcement === 'report') {
      this.#counts.wouldDeny++
      this.#log.warn({ permission, reason, requestId: context.requestId }, 'access: would refuse (report mode)')
      return context
    }
    this.#counts.denied++
    const frame = tenantStore.getStore()
    const events = this.#options.events ?? (frame === undefined ? undefined : internalsOf(frame).events)
    const { tenantId, userId, requestId } = context
    events?.emit({ type: 'PERMISSION_DENIED', source: 'access', permission, tenantId, userId, requestId })
    const message =
      reason === 'tier-too-low'
        ? `The tenant's tier is lower than ${permission.replace(/^tier:/, '')} (${reason}).`
        : `The user's roles do not give ${permission} here (${reason}).`
    throw new PermissionDeniedError(message, {
      details: { permission, reason, roles: decision.roles, unknownRoles: decision.unknownRoles },
    })
  }
}
