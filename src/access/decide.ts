import type { TenantContext } from '../context/tenant-context.ts'
import { ConfigurationError } from '../errors.ts'
import { type Grant, patternOf, type RoleGrants } from './grants.ts'
import { covers } from './permission-pattern.ts'

/** Why a permission was given or refused. */
export type DecisionReason =
  | 'granted'
  | 'no-role-grants-it'
  | 'narrowed-by-token'
  | 'object-needed'
  | 'condition-not-met'
  | 'tier-too-low'

/** One decision, for a debug log. It names roles and permissions, and never contains an object's values. */
export interface Decision {
  readonly allowed: boolean
  readonly permission: string
  readonly reason: DecisionReason
  /** Roles of the context that are defined; `unknownRoles` are the others. */
  readonly roles: readonly string[]
  readonly unknownRoles: readonly string[]
  /** The role and the grant that gave the permission. */
  readonly grantedBy?: { readonly role: string; readonly grant: string }
}

interface Question {
  readonly context: TenantContext
  readonly permission: string
  readonly object: object | undefined
  readonly roleGrants: readonly RoleGrants[]
  readonly narrows: boolean
}

/** Decides one permission: a role must grant it, the token must not exclude it, and the grant's condition must accept the object. */
export function decide(question: Question): Decision {
  const { context, permission, object, roleGrants } = question
  const roles: string[] = []
  const unknownRoles: string[] = []
  const given: { readonly role: string; readonly grant: Grant }[] = []
  for (const { role, known, grants } of roleGrants) {
    if (known) roles.push(role)
    else unknownRoles.push(role)
    for (const grant of grants) if (covers(patternOf(grant), permission)) given.push({ role, grant })
  }
  const base = { permission, roles, unknownRoles }
  const refuse = (reason: DecisionReason): Decision => ({ ...base, allowed: false, reason })
  if (given.length === 0) return refuse('no-role-grants-it')
  if (question.narrows && !(context.permissions ?? []).some((held) => covers(held, permission)))
    return refuse('narrowed-by-token')
  const winner = given.find(({ grant }) => holds(grant, context, object))
  if (winner === undefined) return refuse(object === undefined ? 'object-needed' : 'condition-not-met')
  const grantedBy = { role: winner.role, grant: patternOf(winner.grant) }
  return { ...base, allowed: true, reason: 'granted', grantedBy }
}

function holds(grant: Grant, context: TenantContext, object: object | undefined): boolean {
  if (typeof grant === 'string') return true
  return object !== undefined && answerOf(grant.when(context, object), grant.permission)
}

/** Refuses a promise as a condition's result: a promise is truthy, so such a condition would accept every object. */
export function answerOf(answer: unknown, permission: string): boolean {
  if (typeof answer === 'boolean') return answer
  throw new ConfigurationError(
    `The condition for ${permission} must answer true or false at once, got ${answer === null ? 'null' : typeof answer}. Load what the condition needs before the call.`,
  )
}

/** Whether some grant, with or without a condition, matches one of the patterns, and the token does not exclude it. */
export function reachesAny(
  patterns: readonly string[],
  roleGrants: readonly RoleGrants[],
  tokenPermissions: readonly string[] | undefined,
): boolean {
  return patterns.some(
    (pattern) =>
      roleGrants.some(({ grants }) => grants.some((grant) => covers(patternOf(grant), pattern))) &&
      (tokenPermissions === undefined || tokenPermissions.some((held) => covers(held, pattern))),
  )
}
