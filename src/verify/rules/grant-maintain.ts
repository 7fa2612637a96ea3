import { qualifiedName } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { granteeList, relationGrantees } from '../readings/grantees.ts'

export const grantMaintain: Rule = {
  id: 'grant-maintain',
  group: 'grant',
  ofProtect: 'always',
  title: 'The application may maintain the table',
  severity: 'low',
  meaning: 'From PostgreSQL 17 on, MAINTAIN allows LOCK TABLE, CLUSTER and REINDEX: one tenant can stop all of them.',
  remedy: 'Revoke MAINTAIN; every GRANT ALL includes it.',
  *run(facts) {
    if (facts.catalog.serverVersion < 170000) return
    for (const { relation } of facts.tenancy.tables.values()) {
      const grantees = relationGrantees(facts, relation, 'MAINTAIN')
      if (grantees.length === 0) continue
      yield {
        object: relation.label,
        message: `The app may MAINTAIN ${relation.label}: with LOCK TABLE, CLUSTER or REINDEX one tenant stops all of them.`,
        evidence: [`MAINTAIN granted to ${granteeList(facts, grantees)}`],
        fix: `REVOKE MAINTAIN ON ${qualifiedName(relation)} FROM ${granteeList(facts, grantees)};`,
      }
    }
  },
}
