import type { ActingRole, Facts } from '../tenancy/facts.ts'

/** Who session_user is while this role acts: undefined where several logins can get to be it. */
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
