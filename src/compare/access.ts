import type { Verb } from '../catalog/verbs.ts'

/** The acting users: two users of tenant 1, one user of tenant 2, and `nobody`, a session that sets no tenant and no user. */
export const USERS = ['user 1 of tenant 1', 'user 2 of tenant 1', 'user 3 of tenant 2', 'nobody'] as const
export type User = (typeof USERS)[number]
/** The user that a row belongs to. */
export type Owner = Exclude<User, 'nobody'>

export function tenantOf(user: User): 1 | 2 | undefined {
  if (user === 'nobody') return undefined
  return user === 'user 3 of tenant 2' ? 2 : 1
}

/**
 * The result of one statement on one row.
 *
 * - `done`: the row was read, changed or removed, or its new version passed the policies;
 * - `nothing`: the statement ran and did not reach the row;
 * - `refused`: a privilege is missing, or the policies refused (42501);
 * - `error` with the SQLSTATE: any other error.
 */
export type Outcome = 'done' | 'nothing' | 'refused' | `error ${string}`

/** One statement of one user, as one role, on one planted row. */
export interface Access {
  readonly role: string
  readonly user: User
  /** `schema.table`, or the view that was used. */
  readonly object: string
  readonly verb: Verb
  readonly row: Owner
  /** Whether the row belongs to a tenant. */
  readonly isTenants: boolean
}

/** Each access that was tried and its outcome, by {@link keyOf}. */
export type AccessRecord = ReadonlyMap<string, { readonly access: Access; readonly outcome: Outcome }>

export function keyOf({ role, user, object, verb, row }: Access): string {
  return JSON.stringify([role, user, object, verb, row])
}
