import { quoteIdentifier } from '../../catalog/names.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'

/** Returns to the planting role, as session_user and as current_user. */
export const AS_PLANTER = 'set local session authorization default; set local role none'

/**
 * SQL that turns the session into a session of the application: SET SESSION AUTHORIZATION to the login, then SET ROLE, as a pool or a
 * gateway does.
 *
 * Policies and functions may ask for session_user. After SET ROLE alone, session_user would still be the superuser. A planting role that is
 * no superuser can't change session_user: see {@link keepsSessionUser}.
 */
export function becomeSql(facts: Facts, { role, path }: Pick<ActingRole, 'role' | 'path'>): string {
  const become = `set local role ${quoteIdentifier(role.name)}`
  if (!facts.catalog.reader.superuser) return become
  return `set local session authorization ${quoteIdentifier(loginName(facts, path[0] ?? role.name))}; ${become}`
}

/** Whether session_user stays the planting role, because an attack can't become the application's login. */
export function keepsSessionUser(facts: Facts): boolean {
  return !facts.catalog.reader.superuser
}

/**
 * The login of a role: the role itself if it can log in, or else a login that may SET ROLE to it. If there is no such login, the role
 * itself.
 */
export function loginName(facts: Facts, name: string): string {
  const roles = [...facts.catalog.roles.values()]
  const role = roles.find((candidate) => candidate.name === name)
  if (role === undefined || role.login) return name
  const gateway = roles.find(
    (candidate) =>
      candidate.login &&
      !candidate.superuser &&
      !candidate.bypassRls &&
      candidate.name !== facts.catalog.reader.name &&
      facts.graph.settable(candidate.oid).some((path) => path.role.oid === role.oid),
  )
  return gateway?.name ?? name
}
