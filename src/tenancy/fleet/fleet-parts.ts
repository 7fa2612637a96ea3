import type { Oid } from '../../catalog/model.ts'
import type { Fleet, FleetRelation } from './fleet.ts'

/**
 * Everything that decides about isolation in schemas of one tenant each, as one text for each part, without object ids:
 * - tables with their columns, owners, row-level security, policies and the roles that reach them;
 * - functions, default privileges, and dependencies between the schemas;
 * - views in other schemas that read a table of one of these schemas.
 *
 * Constraints and triggers are left out if they depend on no other schema.
 */
export function fleetParts(
  fleet: Fleet | undefined,
  nameOf: (oid: Oid) => string,
): { readonly texts: readonly string[]; readonly roles: ReadonlySet<Oid> } {
  const roles = new Set<Oid>()
  if (fleet === undefined) return { texts: [], roles }
  const roleName = (oid: Oid) => {
    roles.add(oid)
    return nameOf(oid)
  }
  const names = (oids: readonly Oid[]) => oids.map(roleName).sort()
  const texts = [
    ...fleet.schemas.map(({ name, tenant, wideRights }) => ['schema', name, tenant, [...wideRights].sort()]),
    ...fleet.relations.map((relation) => ['relation', ...relationParts(relation, roleName), names(relation.reach)]),
    ...fleet.functions.map((fn) => ['function', fn]),
    ...fleet.outsideViews.map(({ reach, ...view }) => ['view', view, names(reach)]),
    ...fleet.edges.map((edge) => ['edge', edge]),
    ...fleet.defaultPrivileges.map(({ granteeOid: _oid, ...each }) => ['default privilege', each]),
  ].map((part) => JSON.stringify(part))
  return { texts, roles }
}

function relationParts(relation: FleetRelation, roleName: (oid: Oid) => string): readonly unknown[] {
  const { schema, name, kind, owner, rowSecurity, forced, shape, policies } = relation
  const tests = policies.map((policy) => [
    policy.name,
    policy.permissive,
    policy.command,
    policy.roles.map(roleName).sort(),
    policy.using,
    policy.check,
  ])
  return [schema, name, kind, owner, rowSecurity, forced, shape, tests]
}
