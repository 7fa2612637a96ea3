import type { TenantContext } from '../context/tenant-context.ts'
import { type GrantPattern, isGrantPattern } from './permission-pattern.ts'

/** Decides about one object; must answer true or false at once. */
export type ObjectCondition = (context: TenantContext, object: object) => boolean

/** A permission that holds only for objects that meet a condition: "own documents only". */
export interface ConditionalGrant<P extends string = string> {
  readonly permission: GrantPattern<P>
  readonly when: ObjectCondition
}

/** One thing that a role gives. */
export type Grant<P extends string = string> = GrantPattern<P> | ConditionalGrant<P>

/** The permissions of a context's roles, by role and in the order of the context's roles. */
export interface RoleGrants {
  readonly role: string
  /** False if the role is not known. It then gives no permissions. */
  readonly known: boolean
  readonly grants: readonly Grant[]
}

/**
 * Gives the grants of one role in the running tenant; undefined where the role is unknown. An answer that is a promise is
 * awaited by `access.load()`, which the middleware calls.
 */
export type RoleFunction<P extends string = string> = (
  role: string,
  context: TenantContext,
) => readonly Grant<P>[] | undefined | Promise<readonly Grant<P>[] | undefined>

/** Source of the roles' permissions: a table in the configuration, or a function (see `tenantRoleTable`). */
export type RoleSource<P extends string = string> = Readonly<Record<string, readonly Grant<P>[]>> | RoleFunction<P>

/** The permission or pattern that a grant speaks of. */
export function patternOf(grant: Grant): string {
  return typeof grant === 'string' ? grant : grant.permission
}

/** Whether something is a grant: what a function or a table gives at run time was seen by no compiler. */
export function isGrant(value: unknown): value is Grant {
  if (typeof value === 'string') return isGrantPattern(value)
  if (typeof value !== 'object' || value === null) return false
  return isGrantPattern(Reflect.get(value, 'permission')) && typeof Reflect.get(value, 'when') === 'function'
}
