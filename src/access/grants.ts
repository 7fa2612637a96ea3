import type { TenantContext } from '../context/tenant-context.ts'
import { type GrantPattern, isGrantPattern } from './permission-pattern.ts'

/** Decides about one object. Must return a boolean, not a promise. */
export type ObjectCondition = (context: TenantContext, object: object) => boolean

/** A permission that holds only for objects that meet a condition: "own documents only". */
export interface ConditionalGrant<P extends string = string> {
  readonly permission: GrantPattern<P>
  readonly when: ObjectCondition
}

/** One grant of a role: a permission, a pattern, or a permission with a condition. */
export type Grant<P extends string = string> = GrantPattern<P> | ConditionalGrant<P>

/** The permissions of a context's roles, by role and in the order of the context's roles. */
export interface RoleGrants {
  readonly role: string
  /** Whether the role is defined. An undefined role gives no permissions. */
  readonly known: boolean
  readonly grants: readonly Grant[]
}

/**
 * Returns the grants of one role in the current tenant; undefined if the role is unknown. If it returns a promise, the promise is
 * awaited by `access.load()`, which the middleware calls.
 */
export type RoleFunction<P extends string = string> = (
  role: string,
  context: TenantContext,
) => readonly Grant<P>[] | undefined | Promise<readonly Grant<P>[] | undefined>

/** Source of the roles' permissions: a table in the configuration, or a function (see `tenantRoleTable`). */
export type RoleSource<P extends string = string> = Readonly<Record<string, readonly Grant<P>[]>> | RoleFunction<P>

/** The permission or pattern of a grant. */
export function patternOf(grant: Grant): string {
  return typeof grant === 'string' ? grant : grant.permission
}

/** Whether a value is a grant. Values from a function or a table at run time were not checked by the compiler. */
export function isGrant(value: unknown): value is Grant {
  if (typeof value === 'string') return isGrantPattern(value)
  if (typeof value !== 'object' || value === null) return false
  return isGrantPattern(Reflect.get(value, 'permission')) && typeof Reflect.get(value, 'when') === 'function'
}
