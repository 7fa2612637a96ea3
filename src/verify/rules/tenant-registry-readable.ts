import { qualifiedName } from '../../catalog/names.ts'
import type { Proof } from '../../tenancy/facts.ts'
import { createPolicySql, tenantTestSql } from '../../tenancy/policy-sql.ts'
import type { Rule } from '../finding/rule.ts'

export const tenantRegistryReadable: Rule = {
  id: 'tenant-registry-readable',
  group: 'grant',
  ofProtect: 'always',
  title: 'Every tenant reads the list of tenants',
  severity: 'medium',
  meaning: 'Names, domains, plans and billing ids of all customers are visible to each of them.',
  remedy:
    "Enable row-level security on the table of tenants, with a policy that compares its key with the session's tenant.",
  *run(facts) {
    const root = facts.tenancy.root
    if (root === undefined) return
    const { relation, key } = root
    const open = facts
      .reach(relation, 'SELECT')
      .filter(
        (role) => !facts.protectedFor(relation, role) || letsAllThrough(facts.proofs.of(relation, 'select', role)),
      )
    if (open.length === 0) return
    const name = qualifiedName(relation)
    const test = tenantTestSql(facts, key)
    const policies = relation.policies.map((policy) => policy.name)
    yield {
      object: relation.label,
      message: `${open.map((role) => role.role.name).join(', ')} can read all rows of ${relation.label}: the whole list of customers.`,
      evidence: [
        relation.rowSecurity ? `policies that let all rows through: ${policies.join(', ')}` : 'row security is off',
      ],
      verbs: ['select'],
      fix: relation.rowSecurity
        ? `${createPolicySql(relation, 'partywall_own_row', `AS RESTRICTIVE FOR ALL USING (${test}) WITH CHECK (${test})`)}\nALTER TABLE ${name} FORCE ROW LEVEL SECURITY;`
        : `${createPolicySql(relation, 'partywall_own_row', `FOR SELECT USING (${test})`)}\nALTER TABLE ${name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;`,
    }
  },
}

/** Whether policies surely show all tenants. A writable table of members (`trusts-table`) has a finding of its own. */
function letsAllThrough(proof: Proof): boolean {
  return proof.status === 'open' && proof.weaknesses.some(({ certain, kind }) => certain && kind !== 'trusts-table')
}
