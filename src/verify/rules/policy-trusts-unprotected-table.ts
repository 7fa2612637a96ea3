import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { rowTestSql, tenantPolicySql } from '../../tenancy/policy-sql.ts'
import type { Rule } from '../finding/rule.ts'
import { revokeList } from '../readings/grantees.ts'
import { type PolicyWeakness, weaknessesOf } from '../readings/weaknesses.ts'

export const policyTrustsUnprotectedTable: Rule = {
  id: 'policy-trusts-unprotected-table',
  group: 'policy',
  ofProtect: 'unless-protected',
  title: 'A policy trusts a table that the attacker can write',
  severity: 'critical',
  meaning:
    "Someone who adds themselves as a member of another tenant, or moves a parent row, reads and writes that tenant's rows.",
  remedy: "Protect the table that the policy looks into first, or revoke the application's write privileges on it.",
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
        message: `Policies on ${tables.join(', ')} look into ${label}, where the app can write the row that grants access: one tenant gives itself access to another.`,
        evidence: weaknesses.map(
          (weakness) => `policy ${weakness.policy} on ${weakness.relation.label}: ${weakness.explanation}`,
        ),
        verbs: [...new Set(weaknesses.flatMap((weakness) => weakness.verbs))],
        tables,
        ...(weaknesses.some((weakness) => weakness.certain) ? {} : { suspected: true }),
        fix: weaknesses.every((weakness) => weakness.namesPart === true)
          ? weaknesses.flatMap((weakness) => alsoTenantSql(facts, weakness)).join('\n')
          : lookup.rowSecurity || column === undefined || facts.tenancy.context.kind === 'key'
            ? `REVOKE INSERT, UPDATE, DELETE ON ${qualifiedName(lookup)} FROM ${revokeList(facts, lookup, writers, ['INSERT', 'UPDATE', 'DELETE'])};`
            : `${tenantPolicySql(facts, lookup, column)}\nALTER TABLE ${qualifiedName(lookup)} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;`,
      }
    }
  },
}

/** SQL (ALTER POLICY) that adds the tenant test to USING and WITH CHECK by AND. */
function alsoTenantSql(facts: Facts, { relation, policyObject }: PolicyWeakness): readonly string[] {
  const test = rowTestSql(facts, relation)
  if (policyObject === undefined || test === undefined) return []
  const { using, check, name } = policyObject
  const clauses = [
    using === undefined ? '' : ` USING ((${using}) AND ${test})`,
    check === undefined ? '' : ` WITH CHECK ((${check}) AND ${test})`,
  ]
  return [`ALTER POLICY ${quoteIdentifier(name)} ON ${qualifiedName(relation)}${clauses.join('')};`]
}
