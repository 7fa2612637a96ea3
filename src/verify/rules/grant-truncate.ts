import { qualifiedName } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { granteeList, relationGrantees } from '../readings/grantees.ts'

export const grantTruncate: Rule = {
  id: 'grant-truncate',
  group: 'grant',
  ofProtect: 'always',
  title: 'The application may TRUNCATE',
  severity: 'high',
  meaning: 'TRUNCATE ignores row-level security: one tenant empties the table of all tenants.',
  remedy: 'Revoke TRUNCATE; every GRANT ALL includes it.',
  *run(facts) {
    for (const { relation } of facts.tenancy.tables.values()) {
      const grantees = relationGrantees(facts, relation, 'TRUNCATE')
      if (grantees.length === 0) continue
      yield {
        object: relation.label,
        message: `The app may TRUNCATE ${relation.label}: row-level security does not apply to TRUNCATE, so one tenant deletes the rows of all.`,
        evidence: [`TRUNCATE granted to ${granteeList(facts, grantees)}`],
        verbs: ['delete'],
        fix: `REVOKE TRUNCATE ON ${qualifiedName(relation)} FROM ${granteeList(facts, grantees)};`,
      }
    }
  },
}
