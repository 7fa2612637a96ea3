import { qualifiedName } from '../../catalog/names.ts'
import { verbsInReach } from '../../tenancy/reach.ts'
import type { Rule } from '../finding/rule.ts'
import { revokeList } from '../readings/grantees.ts'
import { copiedFrom } from '../readings/shadow-copies.ts'

export const shadowCopyExposed: Rule = {
  id: 'shadow-copy-exposed',
  group: 'rls',
  title: 'An unprotected copy of a protected table',
  severity: 'critical',
  meaning: 'Row-level security and policies are never copied with a table: the copy shows the rows of all tenants.',
  remedy: "Drop the copy, or revoke the application's grants on it.",
  *run(facts) {
    for (const relation of facts.relations) {
      const original = copiedFrom(facts, relation)
      if (original === undefined) continue
      const verbs = verbsInReach(facts, relation)
      if (verbs.length === 0) continue
      const roles = [...new Set(facts.acting.map((role) => role.role.name))]
      yield {
        object: relation.label,
        message: `${relation.label} has the columns of ${original.label} but no row-level security: any tenant can ${verbs.join(', ')} rows that were copied from all tenants.`,
        evidence: [`same names and types as ${original.label}`],
        verbs,
        fix: `REVOKE ALL ON ${qualifiedName(relation)} FROM ${revokeList(facts, relation, roles)};\n-- Or, when nobody needs it: DROP TABLE ${qualifiedName(relation)};`,
      }
    }
  },
}
