import { qualifiedName } from '../../catalog/names.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { canMakeFunctions } from '../readings/creation.ts'
import { granteeList, relationGrantees } from '../readings/grantees.ts'

export const grantTrigger: Rule = {
  id: 'grant-trigger',
  group: 'grant',
  ofProtect: 'always',
  title: 'The application may attach triggers',
  severity: 'high',
  meaning:
    "A trigger runs with the rights of the role that writes next: the owner's job, a migration, or another tenant's session.",
  remedy: 'Revoke TRIGGER; every GRANT ALL includes it.',
  *run(facts) {
    for (const { relation } of facts.tenancy.tables.values()) {
      if (relation.kind === 'foreign-table') continue
      const grantees = relationGrantees(facts, relation, 'TRIGGER')
      if (grantees.length === 0) continue
      const make = facts.reach(relation, 'TRIGGER').flatMap((role) => canMakeFunctions(facts, role) ?? [])[0]
      yield {
        object: relation.label,
        // A role that can't create functions can only attach existing trigger functions.
        ...(make === undefined
          ? chosenSeverity(
              'low',
              'No role that has the privilege can create a function: only functions that are there can be attached.',
            )
          : {}),
        message: `The app may create triggers on ${relation.label}: the trigger function then runs with the rights of the role that writes there next.`,
        evidence: [
          `TRIGGER granted to ${granteeList(facts, grantees)}`,
          make === undefined ? 'it can make no function of its own' : `it can make functions: ${make}`,
        ],
        fix: `REVOKE TRIGGER ON ${qualifiedName(relation)} FROM ${granteeList(facts, grantees)};`,
      }
    }
  },
}
