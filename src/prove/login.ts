import type { ActingRole, Facts } from '../tenancy/facts.ts'

/** Name of session_user while this role acts. Undefined if several logins can become that role, or if it can't log in. */
export function loginOf(facts: Facts, { path }: ActingRole): string | undefined {
  const roles = [...facts.catalog.roles.values()]
  const first = roles.find(({ name }) => name === path[0])
  if (first === undefined || !first.login) return undefined
  const others = roles.some(
    (role) =>
      role.login &&
      role.oid !== first.oid &&
      !role.superuser &&
      facts.graph.settable(role.oid).some((settable) => settable.role.oid === first.oid),
  )
  return others ? undefined : first.name
}
