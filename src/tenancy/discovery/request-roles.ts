import type { Catalog } from '../../catalog/catalog.ts'
import type { Role } from '../../catalog/model.ts'

/** Roles that a gateway becomes for each request, in the place of a login role of the app's own. */
interface RequestRoles {
  /** Who signed in. */
  readonly user: Role
  /** Who did not. */
  readonly anonymous: Role
}

/**
 * PostgREST's convention, and Supabase's: a gateway (`authenticator`) logs in, has no grants itself, and becomes `authenticated`
 * or `anon` by the token. It may become a privileged role too; that is the gateway's design and no hole of the schema.
 */
export function requestRoles(catalog: Catalog, reaching: readonly Role[]): RequestRoles | undefined {
  const named = (name: string) => reaching.find((role) => role.name === name && !role.login && !role.bypassRls)
  const user = named('authenticated')
  const anonymous = [...catalog.roles.values()].find((role) => role.name === 'anon' && !role.login && !role.bypassRls)
  if (user === undefined || anonymous === undefined) return undefined
  // A login besides the gateway is an app of its own.
  const others = reaching.filter((role) => role.login && !isGateway(catalog, role, user))
  return others.length === 0 ? { user, anonymous } : undefined
}

/** True for the login that becomes these roles by the convention, and is nobody's else. */
export function isRequestGateway(catalog: Catalog, login: Role, user: Role): boolean {
  const request = requestRoles(catalog, [user])
  return request?.user.oid === user.oid && isGateway(catalog, login, user)
}

function isGateway(catalog: Catalog, role: Role, user: Role): boolean {
  const becomes = catalog.memberships.filter((membership) => membership.member === role.oid)
  const own = [...catalog.relations.values()].some((relation) =>
    [...relation.grants, ...relation.columns.flatMap((column) => column.grants)].some(
      (grant) => grant.grantee === role.oid,
    ),
  )
  return !own && !role.inherit && becomes.some((membership) => membership.role === user.oid)
}
