import { parseOptions } from '../config/parse-options.ts'
import { internalsOf } from '../context/frame.ts'
import { getCurrentTenant, runInTenantFrame } from '../context/run-with-tenant.ts'
import { tenantStore } from '../context/store.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import { ConfigurationError, DependencyUnavailableError, isPartywallError, PermissionDeniedError } from '../errors.ts'
import { createDefaultLogger } from '../logger/logger.ts'
import { type AccessControlOptions, accessSchema } from './access-options.ts'
import { answerOf, type Decision, decide, reachesAny } from './decide.ts'
import { isGrant, type RoleGrants, type RoleSource } from './grants.ts'
import { isPermissionName } from './permission-pattern.ts'

/** The database role that a context runs as. */
export type AccessLevel = 'tenant_user' | 'tenant_admin'

/** What an access control has done since it was made. */
export interface AccessCounts {
  readonly allowed: number
  readonly denied: number
  /** Refusals that `enforcement: 'report'` let pass. */
  readonly wouldDeny: number
}

/** Decides what the running context's user may do inside the own tenant. Permissions are typed by `P`. */
export interface AccessControl<P extends string = string> {
  /**
   * Whether the running context has a permission; for an object, whether it has it for that object.
   *
   * A grant with a condition gives nothing without the object. In report mode it still answers truthfully.
   *
   * @throws {TenantContextMissingError} `PARTYWALL_CONTEXT_MISSING` outside a tenant context
   * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` where roles come from an async source and `load()` was not awaited
   */
  can(permission: P, object?: object): boolean
  /**
   * Refuses unless {@link can}. With a function as second argument that must answer true besides.
   *
   * @returns the running context
   * @throws {PermissionDeniedError} `PARTYWALL_PERMISSION_DENIED`; emits PERMISSION_DENIED
   */
  requirePermission(permission: P, objectOrCondition?: object | ((context: TenantContext) => boolean)): TenantContext
  /** Refuses unless the tenant's tier is this one or a higher one. An unknown tier is below all. */
  requireTier(tier: string): TenantContext
  /** The decision with its reason, as the debug log has it. Emits nothing. */
  explain(permission: P, object?: object): Decision
  /**
   * The database role of a context, from its permissions; `createTenantPool({ levelOf })` takes it. `tenant_user` while an
   * async source has not answered: await `load()` before the context's first query, since the pool asks once a context.
   */
  levelOf(context: TenantContext): AccessLevel
  /**
   * Reads the roles of the running context from an async source, once a context. The Express middleware awaits it.
   *
   * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` where the source failed
   */
  load(): Promise<void>
  /** Whether `load()` has nothing to do: the roles are a table, or were read for the running context. */
  isLoaded(): boolean
  counts(): AccessCounts
}

/**
 * Makes an access control: roles give permissions inside a tenant, the token narrows them, an unknown role gives nothing.
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
  const log = options.logger ?? createDefaultLogger()
  const tiers = [...(options.tiers ?? ['free', 'pro', 'enterprise'])]
  const adminPatterns: readonly string[] = options.levels?.tenant_admin ?? ['*']
  const tokenPermissions = options.tokenPermissions ?? 'when-present'
  const reporting = options.enforcement === 'report'
  const counts = { allowed: 0, denied: 0, wouldDeny: 0 }
  // Grants of contexts whose roles were read; a context is frozen, so they hold as long as it lives.
  const known = new WeakMap<TenantContext, readonly RoleGrants[]>()
  const reading = new WeakSet<TenantContext>()
  const readRole = roleReader(options.roles)
  let asyncSource = false
  // A table of roles answers at once, and the same for every context.
  const isTable = typeof options.roles !== 'function'

  function narrows(context: TenantContext): boolean {
    if (tokenPermissions === 'never') return false
    return tokenPermissions === 'always' || context.permissions !== undefined
  }

  function grantsNow(context: TenantContext): readonly RoleGrants[] | undefined {
    const before = known.get(context)
    // The source's own query asks for the level of its context: it must not start the source again.
    if (before !== undefined || asyncSource || reading.has(context)) return before
    reading.add(context)
    const answers = [...new Set(context.roles)].map((role) => ({ role, answer: readRole(role, context) }))
    reading.delete(context)
    for (const { answer } of answers) {
      if (!isPromise(answer)) continue
      asyncSource = true
      // Its failure is met again by load(), which asks anew.
      answer.then(undefined, () => {})
    }
    if (asyncSource) return undefined
    const grants = answers.map(({ role, answer }) => checkGrants(role, answer))
    known.set(context, grants)
    return grants
  }

  function grantsOf(context: TenantContext): readonly RoleGrants[] {
    const grants = grantsNow(context)
    if (grants !== undefined) return grants
    throw new ConfigurationError('The roles come from an async source: await access.load() in this context first.')
  }

  function checkGrants(role: string, answer: unknown): RoleGrants {
    if (!Array.isArray(answer)) return { role, known: false, grants: [] }
    const grants = answer.filter(isGrant)
    if (grants.length < answer.length) {
      log.warn({ role, left: answer.length - grants.length }, 'access: grants that are none were left out')
    }
    return { role, known: true, grants }
  }

  function judge(context: TenantContext, permission: string, object: object | undefined): Decision {
    if (!isPermissionName(permission)) {
      throw new ConfigurationError('A permission is asked for by its name, such as documents:read, without a wildcard.')
    }
    const decision = decide({ context, permission, object, roleGrants: grantsOf(context), narrows: narrows(context) })
    log.debug({ ...decision, requestId: context.requestId }, 'access: decision')
    return decision
  }

  function settle(context: TenantContext, decision: Decision): TenantContext {
    if (decision.allowed) {
      counts.allowed++
      return context
    }
    const { permission, reason } = decision
    if (reporting) {
      counts.wouldDeny++
      log.warn({ permission, reason, requestId: context.requestId }, 'access: would refuse (report mode)')
      return context
    }
    counts.denied++
    const frame = tenantStore.getStore()
    const events = options.events ?? (frame === undefined ? undefined : internalsOf(frame).events)
    const { tenantId, userId, requestId } = context
    events?.emit({ type: 'PERMISSION_DENIED', source: 'access', permission, tenantId, userId, requestId })
    throw new PermissionDeniedError(`The user's roles do not give ${permission} here (${reason}).`, {
      details: { permission, reason, roles: decision.roles, unknownRoles: decision.unknownRoles },
    })
  }

  return {
    can: (permission, object) => judge(getCurrentTenant(), permission, object).allowed,
    requirePermission(permission, objectOrCondition) {
      const context = getCurrentTenant()
      if (typeof objectOrCondition !== 'function') return settle(context, judge(context, permission, objectOrCondition))
      const decision = judge(context, permission, undefined)
      if (!decision.allowed) return settle(context, decision)
      const met = answerOf(Reflect.apply(objectOrCondition, undefined, [context]), permission)
      return settle(context, met ? decision : { ...decision, allowed: false, reason: 'condition-not-met' })
    },
    requireTier(tier) {
      const context = getCurrentTenant()
      const needed = tiers.indexOf(tier)
      if (needed === -1)
        throw new ConfigurationError('requireTier(tier): this tier is not among the tiers of the options.')
      const allowed = tiers.indexOf(context.tier) >= needed
      const reason = allowed ? 'granted' : 'tier-too-low'
      return settle(context, { allowed, permission: `tier:${tier}`, reason, roles: [], unknownRoles: [] })
    },
    explain: (permission, object) => judge(getCurrentTenant(), permission, object),
    levelOf(context) {
      const grants = grantsNow(context) ?? []
      const held = narrows(context) ? (context.permissions ?? []) : undefined
      return reachesAny(adminPatterns, grants, held) ? 'tenant_admin' : 'tenant_user'
    },
    async load() {
      const context = getCurrentTenant()
      if (isTable || known.has(context)) return
      known.set(context, await readAll(context))
    },
    isLoaded: () => isTable || known.has(getCurrentTenant()),
    counts: () => ({ ...counts }),
  }

  async function readAll(context: TenantContext): Promise<readonly RoleGrants[]> {
    try {
      // In a frame of its own: a pool decides the level once a context, and this context's is not known before the answer.
      return await runInTenantFrame(context, {}, () => {
        reading.add(getCurrentTenant())
        const roles = [...new Set(context.roles)]
        return Promise.all(roles.map(async (role) => checkGrants(role, await readRole(role, context))))
      })
    } catch (cause) {
      if (isPartywallError(cause)) throw cause
      throw new DependencyUnavailableError('The roles of the user could not be read.', { cause })
    }
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
