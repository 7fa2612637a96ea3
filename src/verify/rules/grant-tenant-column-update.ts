import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'

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
      const others = relation.columns.filter((other) => other !== column && other.generated === undefined)
      yield {
        object: relation.label,
        detail: column.name,
        message: `The app may UPDATE ${relation.label}.${column.name}, and WITH CHECK does not test it: a row can be moved to another tenant.`,
        evidence: [`UPDATE on ${column.name} for ${names}`],
        fix: `REVOKE UPDATE ON ${qualifiedName(relation)} FROM ${names};\nGRANT UPDATE (${others.map((other) => quoteIdentifier(other.name)).join(', ')}) ON ${qualifiedName(relation)} TO ${names};`,
      }
    }
  },
}
