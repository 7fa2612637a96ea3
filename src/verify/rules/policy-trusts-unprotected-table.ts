import { qualifiedName } from '../../catalog/names.ts'
import { tenantPolicySql } from '../policy-sql.ts'
import type { Rule } from '../rule.ts'
import { weaknessesOf } from './weaknesses.ts'

export const policyTrustsUnprotectedTable: Rule = {
  id: 'policy-trusts-unprotected-table',
  group: 'policy',
  title: 'A policy trusts a table that the attacker can write',
  severity: 'critical',
  meaning:
    'Whoever makes himself a member of another tenant, or moves a parent row, reads and writes that tenant’s rows.',
  remedy: 'Protect the table that the policy looks into first, or take the app’s write grants on it away.',
  *run(facts) {
    const byLookup = new Map<string, ReturnType<typeof weaknessesOf>[number][]>()
    for (const weakness of weaknessesOf(facts, 'policy-trusts-unprotected-table')) {
      const list = byLookup.get(weakness.subject ?? '') ?? []
      list.push(weakness)
      byLookup.set(weakness.subject ?? '', list)
    }
    for (const [label, weaknesses] of byLookup) {
      const lookup = facts.relations.find((relation) => relation.label === label)
      if (lookup === undefined) continue
      const column = facts.tenantTable(lookup)?.column
      const tables = [...new Set(weaknesses.map((weakness) => weakness.relation.label))]
      const writers = [...new Set(weaknesses.flatMap((weakness) => weakness.roles))]
      yield {
        object: label,
        message: `Policies on ${tables.join(', ')} look into ${label}, which the app can write without a test of the tenant: one tenant lets itself into another.`,
        evidence: weaknesses.map(
          (weakness) => `policy ${weakness.policy} on ${weakness.relation.label}: ${weakness.explanation}`,
        ),
        verbs: [...new Set(weaknesses.flatMap((weakness) => weakness.verbs))],
        tables,
        ...(weaknesses.some((weakness) => weakness.certain) ? {} : { suspected: true }),
        fix:
          lookup.rowSecurity || column === undefined || facts.tenancy.context.kind === 'key'
            ? `REVOKE INSERT, UPDATE, DELETE ON ${qualifiedName(lookup)} FROM ${writers.join(', ')};`
            : `${tenantPolicySql(facts, lookup, column)}\nALTER TABLE ${qualifiedName(lookup)} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;`,
      }
    }
  },
}
