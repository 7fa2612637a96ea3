import { qualifiedName } from '../../catalog/names.ts'
import { tenantPolicySql } from '../../tenancy/policy-sql.ts'
import { verbsInReach } from '../../tenancy/reach.ts'
import type { Rule } from '../finding/rule.ts'
import { lookingPolicies } from '../readings/looked-up-tables.ts'
import { copiedFrom } from '../readings/shadow-copies.ts'

export const rlsDisabled: Rule = {
  id: 'rls-disabled',
  group: 'rls',
  ofProtect: 'always',
  title: 'Row-level security is off',
  severity: 'critical',
  meaning: 'Every tenant reads and writes all rows of the table: nothing in the database keeps them apart.',
  remedy:
    "Enable and force row-level security, and give the table a policy that compares the tenant column with the session's tenant.",
  *run(facts) {
    for (const table of facts.tenancy.tables.values()) {
      const { relation } = table
      // Other rules report child tables, partitions, inheriting tables, foreign tables and the table of tenants.
      if (table.kind !== 'tenant' || relation.kind === 'foreign-table' || relation.parents.length > 0) continue
      if (relation.rowSecurity || copiedFrom(facts, relation) !== undefined) continue
      const verbs = verbsInReach(facts, relation)
      if (verbs.length === 0) continue
      const idle = relation.policies.length
      yield {
        object: relation.label,
        message: `Row-level security is off on ${relation.label}: any tenant can ${verbs.join(', ')} the rows of all tenants.`,
        evidence:
          idle === 0
            ? []
            : [
                `${idle} ${idle === 1 ? 'policy has' : 'policies have'} no effect: ${relation.policies.map((policy) => policy.name).join(', ')}`,
              ],
        verbs,
        fix: `${idle === 0 ? `${tenantPolicySql(facts, relation, table.column)}\n` : ''}ALTER TABLE ${qualifiedName(relation)} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;`,
      }
    }
    // Tables without a tenant column whose policies query a tenant table, such as `users` by their memberships.
    for (const relation of facts.relations) {
      const looking = relation.rowSecurity ? [] : lookingPolicies(facts, relation)
      const verbs = verbsInReach(facts, relation)
      if (looking.length === 0 || verbs.length === 0) continue
      yield {
        object: relation.label,
        message: `Row-level security is off on ${relation.label}: any tenant can ${verbs.join(', ')} the rows of all tenants.`,
        evidence: [`policies have no effect: ${relation.policies.map((policy) => policy.name).join(', ')}`],
        fix: `ALTER TABLE ${qualifiedName(relation)} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;`,
      }
    }
  },
}
