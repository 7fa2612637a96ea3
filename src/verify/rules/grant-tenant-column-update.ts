import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Rule } from '../finding/rule.ts'
import { granteeList, usableGrantees } from '../readings/grantees.ts'

export const grantTenantColumnUpdate: Rule = {
  id: 'grant-tenant-column-update',
  group: 'grant',
  ofProtect: 'always',
  title: 'The application may change the tenant of a row',
  severity: 'low',
  meaning:
    'Where WITH CHECK does not test the tenant, the UPDATE privilege on the tenant column is the last thing that keeps a row with its tenant.',
  remedy: 'Grant UPDATE column by column, without the tenant column, or refuse the change in a trigger.',
  *run(facts) {
    for (const table of facts.tenancy.tables.values()) {
      if (table.kind !== 'tenant') continue
      const { relation, column } = table
      const roles = facts.reach(relation, 'UPDATE').filter((role) => {
        if (!facts.protectedFor(relation, role)) return false
        if (!facts.privileges.onColumn(role.role.oid, relation, column, 'UPDATE')) return false
        const proof = facts.proofs.of(relation, 'update', role)
        return proof.status === 'open' && proof.weaknesses.some((weakness) => weakness.clause === 'check')
      })
      if (roles.length === 0) continue
      const names = roles.map((role) => quoteIdentifier(role.role.name)).join(', ')
      yield {
        object: relation.label,
        detail: column.name,
        message: `The app may UPDATE ${relation.label}.${column.name}, and WITH CHECK does not test it: a row can be moved to another tenant.`,
        evidence: [`UPDATE on ${column.name} for ${names}`],
        fix: withoutColumnSql(facts, relation, column, names),
      }
    }
  },
}

/** SQL that revokes UPDATE on the tenant column. Grantees of UPDATE on the whole table get UPDATE on each of the other columns instead. */
function withoutColumnSql(facts: Facts, relation: Relation, column: Column, names: string): string {
  const table = qualifiedName(relation)
  const whole = usableGrantees(facts, relation.grants, 'UPDATE', relation.owner)
  const alone = usableGrantees(facts, column.grants, 'UPDATE', relation.owner)
  // If no grant gives the privilege, the role is the owner or a member of a predefined role, and the REVOKE can name only the role itself.
  const from = whole.length + alone.length === 0 ? names : granteeList(facts, whole)
  const others = relation.columns
    .filter((other) => other !== column && other.generated === undefined)
    .map((other) => quoteIdentifier(other.name))
  return [
    ...(alone.length === 0
      ? []
      : [`REVOKE UPDATE (${quoteIdentifier(column.name)}) ON ${table} FROM ${granteeList(facts, alone)};`]),
    ...(from === '' ? [] : [`REVOKE UPDATE ON ${table} FROM ${from};`]),
    ...(from === '' || others.length === 0 ? [] : [`GRANT UPDATE (${others.join(', ')}) ON ${table} TO ${from};`]),
  ].join('\n')
}
