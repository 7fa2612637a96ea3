import type { Catalog } from '../../catalog/catalog.ts'
import type { Role } from '../../catalog/model.ts'

/** Roles that a gateway such as PostgREST becomes for each request. The application then has no login role of its own. */
interface RequestRoles {
  /** Role of requests by a user who signed in. */
  readonly user: Role
  /** Role of requests without a user. */
  readonly anonymous: Role
}

/**
 * The convention of PostgREST and Supabase: a gateway (`authenticator`) logs in, has no grants itself, and becomes `authenticated` or
 * `anon`, depending on the token. The gateway may also become a privileged role, which is by design and no hole of the schema.
 *
 * @param reaching the roles that have privileges on tenant tables
 */
export function requestRoles(catalog: Catalog, reaching: readonly Role[]): RequestRoles | undefined {
  const named = (name: string) => reaching.find((role) => role.name === name && !role.login && !role.bypassRls)
  const user = named('authenticated')
  const anonymous = [...catalog.roles.values()].find((role) => role.name === 'anon' && !role.login && !role.bypassRls)
  if (user === undefined || anonymous === undefined) return undefined
  // If another login reaches the tables, the application has its own login role and does not work through the gateway.
  const others = reaching.filter((role) => role.login && !isGateway(catalog, role, user))
  return others.length === 0 ? { user, anonymous } : undefined
}

/** True if the login only becomes `authenticated` or `anon` for each request. */
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
