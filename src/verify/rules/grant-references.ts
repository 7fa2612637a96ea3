import { qualifiedName } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { canMakeTables } from '../readings/creation.ts'
import { granteeList, relationGrantees } from '../readings/grantees.ts'

export const grantReferences: Rule = {
  id: 'grant-references',
  group: 'grant',
  ofProtect: 'always',
  title: 'The application may reference the table',
  severity: 'medium',
  meaning:
    'With a foreign key of its own the application learns which keys exist, and keeps rows of other tenants from being deleted.',
  remedy: 'Revoke REFERENCES; every GRANT ALL includes it.',
  *run(facts) {
    for (const { relation } of facts.tenancy.tables.values()) {
      if (relation.kind === 'foreign-table') continue
      const grantees = relationGrantees(facts, relation, 'REFERENCES')
      if (grantees.length === 0) continue
      const make = facts.reach(relation, 'REFERENCES').flatMap((role) => canMakeTables(facts, role) ?? [])[0]
      yield {
        object: relation.label,
        message: `The app may create foreign keys to ${relation.label}: they are checked without the policies, so one tenant learns which keys of another exist, and keeps it from deleting them.`,
        evidence: [
          `REFERENCES granted to ${granteeList(facts, grantees)}`,
          make === undefined
            ? 'it can make no permanent table today, and a temporary table can’t refer to this one: the grant has an effect as soon as it can make one'
            : `it can make tables: ${make}`,
        ],
        fix: `REVOKE REFERENCES ON ${qualifiedName(relation)} FROM ${granteeList(facts, grantees)};`,
      }
    }
  },
}
