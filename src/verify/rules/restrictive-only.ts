import { qualifiedName } from '../../catalog/names.ts'
import { VERBS } from '../../catalog/verbs.ts'
import { appliesTo, covers } from '../../prove/effective.ts'
import { tenantPolicySql } from '../../tenancy/policy-sql.ts'
import { privilegeOf } from '../../tenancy/reach.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { granteeList, relationGrantees } from '../readings/grantees.ts'

export const restrictiveOnly: Rule = {
  id: 'restrictive-only',
  group: 'rls',
  ofProtect: 'always',
  title: 'No policy lets a row through',
  severity: 'low',
  meaning:
    "Row-level security is on and no permissive policy applies: the application's grant is useless, and somebody will switch row-level security off to repair it.",
  remedy: 'Add the permissive policy, or revoke the grant.',
  *run(facts) {
    for (const table of facts.tenancy.tables.values()) {
      const { relation } = table
      if (!relation.rowSecurity || table.kind === 'child' || relation.isPartition) continue
      const roles = facts.acting.filter((role) => facts.protectedFor(relation, role))
      const granted = VERBS.filter((verb) =>
        roles.some((role) => facts.privileges.onRelation(role.role.oid, relation, privilegeOf(verb))),
      )
      const permitted = granted.filter((verb) =>
        roles.some((role) =>
          relation.policies.some(
            (policy) => policy.permissive && covers(policy.command, verb) && appliesTo(policy, role),
          ),
        ),
      )
      const missing = granted.filter((verb) => !permitted.includes(verb))
      if (missing.length === 0) continue
      if (permitted.length > 0) {
        const list = missing.map(privilegeOf).join(', ')
        const grantees = granteeList(facts, [
          ...new Set(missing.flatMap((verb) => relationGrantees(facts, relation, privilegeOf(verb)))),
        ])
        yield {
          object: relation.label,
          message: `The app may ${list} rows of ${relation.label} by its grants, but no permissive policy covers the command: it reaches no row.`,
          evidence: [`policies are for ${permitted.map(privilegeOf).join(', ')}`],
          fix: `-- If no statement of the application needs this right, and an error is as good as no row:\n--   REVOKE ${list} ON ${qualifiedName(relation)} FROM ${grantees};`,
        }
        continue
      }
      // The table has partywall's restrictive policies, so somebody dropped its permissive isolation policy. `medium` makes a build fail.
      const ours = relation.policies.some((policy) => policy.using?.includes('partywall.') === true)
      yield {
        object: relation.label,
        ...(ours
          ? chosenSeverity(
              'medium',
              'The table has policies of partywall, so its isolation policy was probably dropped.',
            )
          : {}),
        message: `Row-level security is on for ${relation.label} and no permissive policy applies to the app: it sees and writes no row at all.`,
        evidence: [`${relation.policies.length} policies, none permissive for the app`],
        fix: `-- It stays closed. To open the rows of its own tenant to the app:\n${commented(tenantPolicySql(facts, relation, table.column))}`,
      }
    }
  },
}

function commented(sql: string): string {
  return sql
    .split('\n')
    .map((line) => `--   ${line}`)
    .join('\n')
}
