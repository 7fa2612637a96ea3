import { type Grant, type Oid, PUBLIC_OID, type Role } from '../../catalog/model.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { ExaminedGrant } from './examined.ts'
import type { JudgedScope } from './judge-scope.ts'
import { withMembers } from './untried-roles.ts'

const ON_DATABASE = ['CONNECT', 'CREATE', 'TEMPORARY'] as const
const ON_SCHEMA = ['USAGE', 'CREATE'] as const

/** An object that is no relation, with the roles that have privileges on it. */
interface Wide {
  readonly object: string
  readonly owner: Oid
  readonly grants: readonly Grant[]
  readonly of: (role: Oid) => readonly string[]
}

/** What each role that was tried may do on the database and on its schemas, as PostgreSQL counts it. */
export function wideGrantsOf(scopes: readonly [JudgedScope, ...(readonly JudgedScope[])]): readonly ExaminedGrant[] {
  const tried = new Map(scopes.flatMap(({ facts }) => facts.acting.map(({ role }) => [role.oid, role] as const)))
  return wideObjects(scopes[0].facts).flatMap(({ object, of }) =>
    [...tried.values()].flatMap(({ oid, name }) => {
      const privileges = of(oid)
      return privileges.length === 0 ? [] : [{ role: name, object, privileges }]
    }),
  )
}

/** What other roles and PUBLIC were granted on the database and its schemas, or have as the owner. */
export function untriedWideGrants(facts: Facts, tried: ReadonlySet<Oid>): readonly ExaminedGrant[] {
  return wideObjects(facts).flatMap(({ object, owner, grants }) => {
    const grantees = [...new Set([owner, ...grants.map(({ grantee }) => grantee)])].filter((oid) => !tried.has(oid))
    return grantees
      .map((oid): ExaminedGrant => {
        const own = grants.filter(({ grantee }) => grantee === oid).map(({ privilege }) => privilege)
        return { role: facts.roleName(oid), object, privileges: oid === owner ? ['all, as the owner'] : own.sort() }
      })
      .sort((a, b) => rank(a) - rank(b) || (a.role < b.role ? -1 : 1))
  })
}

/** Owners and grantees of the database, of its schemas and of its functions, with their members. */
export function wideRoles(facts: Facts, tried: ReadonlySet<Oid>): readonly Role[] {
  const holders = [...wideObjects(facts), ...facts.functions]
  const named = holders.flatMap(({ owner, grants }) => [owner, ...grants.map(({ grantee }) => grantee)])
  return withMembers(
    facts,
    named.filter((oid) => oid !== PUBLIC_OID),
    tried,
  )
}

/** Sorts PUBLIC first, because a reader looks first for what everybody may do. */
function rank({ role }: ExaminedGrant): number {
  return role === 'PUBLIC' ? 0 : 1
}

function wideObjects({ catalog, privileges, tenancy, fleet }: Facts): readonly Wide[] {
  const { database } = catalog
  // Schemas of tenants are left out: a thousand of them are alike, and rules judge their privileges.
  const alike = new Set(fleet?.schemas.map(({ name }) => name) ?? [])
  const schemas = [...catalog.schemas.values()].filter(
    ({ name, extension }) => tenancy.schemas.has(name) || (!alike.has(name) && extension === undefined),
  )
  return [
    {
      object: 'database',
      owner: database.owner,
      grants: database.grants,
      of: (role) => ON_DATABASE.filter((each) => privileges.onDatabase(role, each)),
    },
    ...schemas
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(
        ({ oid, name, owner, grants }): Wide => ({
          object: `schema ${name}`,
          owner,
          grants,
          of: (role) => ON_SCHEMA.filter((each) => privileges.onSchema(role, oid, each)),
        }),
      ),
  ]
}
