import type { Catalog } from '../../catalog/catalog.ts'
import { type Oid, PUBLIC_OID, type Relation, type Role } from '../../catalog/model.ts'
import { type RoleGraph, roleGraph } from '../../catalog/role-graph.ts'
import { ConfigurationError } from '../../errors.ts'
import { appRoleLines, freeRoleName } from '../app-role-sql.ts'
import { requestRoles } from './request-roles.ts'

interface FoundAppRole {
  readonly role: Role
  /** Other roles that requests act as, and that `role` can't become. */
  readonly siblings: readonly Role[]
  readonly note: string | undefined
}

/**
 * Finds the role that the application logs in as.
 *
 * This is a LOGIN role that has a grant on a tenant table, or can become a role that has such a grant. It neither is nor can become the
 * owner of a tenant table or a role of partywall. If there is no such role, weaker criteria are tried (see `tiers`).
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with the candidates, if there is not exactly one such role
 */
export function findAppRole(
  catalog: Catalog,
  tenantTables: readonly Relation[],
  told: string | undefined,
): FoundAppRole {
  if (told !== undefined) {
    const role = [...catalog.roles.values()].find((candidate) => candidate.name === told)
    if (role !== undefined) return { role, siblings: [], note: undefined }
    throw new ConfigurationError(`There is no role "${told}" on this server.`, { details: { role: told } })
  }
  const graph = roleGraph(catalog)
  const roles = [...catalog.roles.values()].filter(
    (role) =>
      !role.name.startsWith('pg_') && !isOurs(role, graph) && role.name !== catalog.reader.name && role.oid !== 10,
  )
  const reaching = roles.filter((role) => reachesByGrant(role.oid, tenantTables, graph))
  const views = [...catalog.relations.values()].filter(({ kind }) => kind === 'view' || kind === 'materialized-view')
  const owning = (role: Role) => tenantTables.some((table) => canBecome(role.oid, table.owner, graph))
  const request = requestRoles(catalog, reaching)
  if (request !== undefined)
    return {
      role: request.user,
      siblings: [request.anonymous],
      note: `requests act as ${request.user.name} and ${request.anonymous.name}, which a gateway becomes; to act as a login instead, use --app-role`,
    }
  const tiers = [
    reaching.filter((role) => role.login && !owning(role)),
    reaching.filter((role) => !role.login && !owning(role) && !isGroupOf(role, reaching, catalog)),
    // No role has grants on the tables, but some reach them through views.
    roles.filter((role) => role.login && !owning(role) && reachesByGrant(role.oid, views, graph)),
    // A login that owns the tables or is a superuser: that is a hole, but it may still be the application's role.
    roles.filter((role) => role.login && (owning(role) || role.superuser)),
    reaching.filter((role) => !role.login && !owning(role)),
    // Roles without LOGIN: migration files and pg_dump may name the application's role without making it a login.
    reaching.filter((role) => !isGroupOf(role, reaching, catalog)),
    roles.filter((role) => role.login),
  ]
  const tier = tiers.find((some) => some.length > 0) ?? []
  // If some candidates do not bypass policies, the others belong to operators.
  const held = tier.filter((role) => !role.superuser && !role.bypassRls)
  const candidates = held.length > 0 ? held : tier
  const [only, ...others] = candidates
  if (only !== undefined && others.length === 0)
    return { role: only, siblings: [], note: `app role ${only.name} found by its grants` }
  const names = candidates.map((role) => role.name)
  throw new ConfigurationError(
    names.length === 0
      ? nobody(catalog, tenantTables)
      : `Several roles could be the app role: ${names.join(', ')}. Name it with ${names.map((name) => `--app-role ${name}`).join(' or ')}.`,
    { details: { candidates: names, ...(names.length === 0 ? { missing: 'app-role' } : {}) } },
  )
}

/** The message for a schema in which no role has grants. It contains statements that can be run as they are. */
function nobody(catalog: Catalog, tenantTables: readonly Relation[]): string {
  const role = freeRoleName(new Set([...catalog.roles.values()].map(({ name }) => name)))
  const schemas = [...new Set(tenantTables.map(({ schema }) => schema))]
  const owners = [...new Set(tenantTables.map(({ owner }) => catalog.roles.get(owner)?.name ?? ''))]
  return [
    'No role has grants on a tenant table, so there is nobody to act as. These lines make a role for the application:',
    ...appRoleLines(role, schemas).map((line) => `  ${line}`),
    `If the application logs in as the owner of its tables, no policy applies to it: --app-role ${owners[0]} shows what that means.`,
  ].join('\n')
}

function isOurs(role: Role, graph: RoleGraph): boolean {
  return (
    role.name.startsWith('partywall_') ||
    graph.becomable(role.oid).some((path) => path.role.name.startsWith('partywall_'))
  )
}

function canBecome(role: Oid, target: Oid, graph: RoleGraph): boolean {
  return role === target || graph.becomable(role).some((path) => path.role.oid === target)
}

function reachesByGrant(role: Oid, tables: readonly Relation[], graph: RoleGraph): boolean {
  const all = new Set([role, ...graph.becomable(role).map((path) => path.role.oid)])
  return tables.some((table) =>
    [...table.grants, ...table.columns.flatMap((column) => column.grants)].some(
      (grant) => grant.grantee !== PUBLIC_OID && grant.grantee !== table.owner && all.has(grant.grantee),
    ),
  )
}

/** Whether another candidate is a member of this role. The application then logs in as that other candidate. */
function isGroupOf(role: Role, candidates: readonly Role[], catalog: Catalog): boolean {
  return catalog.memberships.some(
    (membership) => membership.role === role.oid && candidates.some((candidate) => candidate.oid === membership.member),
  )
}
