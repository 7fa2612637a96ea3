import { type Grant, type Oid, PUBLIC_OID, type Relation } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'
import type { TablePrivilege } from '../../catalog/privileges.ts'
import type { Facts } from '../../tenancy/facts.ts'

/**
 * Grantees through which some acting role has the privilege: PUBLIC, the role itself, or a role whose rights it inherits. The owner's own
 * grant is left out: another rule reports an application that owns its tables.
 */
export function usableGrantees(facts: Facts, grants: readonly Grant[], privilege: string, owner: Oid): readonly Oid[] {
  const usable = new Set<Oid>()
  for (const grant of grants) {
    if (grant.privilege !== privilege || grant.grantee === owner) continue
    const used =
      grant.grantee === PUBLIC_OID || facts.acting.some((role) => !role.bypasses && role.rights.has(grant.grantee))
    if (used) usable.add(grant.grantee)
  }
  return [...usable].sort((a, b) => a - b)
}

/** Grantees through which some acting role has the privilege on a relation or on its columns. Empty if no acting role has the privilege. */
export function relationGrantees(facts: Facts, relation: Relation, privilege: TablePrivilege): readonly Oid[] {
  if (facts.reach(relation, privilege).length === 0) return []
  const grants = [...relation.grants, ...relation.columns.flatMap((column) => column.grants)]
  return usableGrantees(facts, grants, privilege, relation.owner)
}

const ALL = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN'] as const

/**
 * The grantees of a REVOKE after which these roles have no privilege: PUBLIC, the roles, and the roles whose grants they inherit. A REVOKE
 * from a role alone does not remove a privilege that the role inherits from another role.
 */
export function revokeList(
  facts: Facts,
  relation: Relation,
  roles: readonly string[],
  privileges: readonly string[] = ALL,
): string {
  const grants = [...relation.grants, ...relation.columns.flatMap((column) => column.grants)]
  const inherited = privileges.flatMap((privilege) => usableGrantees(facts, grants, privilege, relation.owner))
  const names = [...roles, ...inherited.filter((oid) => oid !== PUBLIC_OID).map((oid) => facts.roleName(oid))]
  return ['PUBLIC', ...new Set(names.map(quoteIdentifier))].join(', ')
}

/** `PUBLIC, app, "Weird Role"` for GRANT and REVOKE. */
export function granteeList(facts: Facts, grantees: readonly Oid[]): string {
  return grantees.map((oid) => (oid === PUBLIC_OID ? 'PUBLIC' : quoteIdentifier(facts.roleName(oid)))).join(', ')
}
