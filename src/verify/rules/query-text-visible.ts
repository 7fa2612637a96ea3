import { qualifiedName } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { granteeList, relationGrantees } from '../readings/grantees.ts'
import { bySuperuser } from '../readings/superuser-sql.ts'

export const queryTextVisible: Rule = {
  id: 'query-text-visible',
  group: 'metadata',
  title: 'Query texts are shared by all tenants',
  severity: 'low',
  meaning:
    "All tenants share the application's role, and pg_stat_statements shows a role the texts of its own queries: names, comments, and literals that were kept.",
  remedy: 'Bind every value as a parameter, and revoke SELECT on pg_stat_statements from PUBLIC.',
  *run(facts) {
    for (const relation of facts.catalog.relations.values()) {
      if (relation.extension !== 'pg_stat_statements' || relation.name !== 'pg_stat_statements') continue
      const grantees = relationGrantees(facts, relation, 'SELECT')
      if (grantees.length === 0) continue
      yield {
        object: relation.label,
        message: `The app may read ${relation.label}: it shows the role's own query texts, which are those of every tenant.`,
        evidence: [`SELECT granted to ${granteeList(facts, grantees)}`],
        fix: bySuperuser(`REVOKE SELECT ON ${qualifiedName(relation)} FROM ${granteeList(facts, grantees)};`),
      }
    }
  },
}
