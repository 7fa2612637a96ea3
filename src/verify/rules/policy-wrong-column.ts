import type { Facts } from '../../tenancy/facts.ts'
import type { ChosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { policyFindings } from '../readings/policy-finding.ts'
import type { PolicyWeakness } from '../readings/weaknesses.ts'

const SHARING: ChosenSeverity = {
  level: 'medium',
  because: 'By its name, the column shares a row with a further tenant, which may be intended.',
}

export const policyWrongColumn: Rule = {
  id: 'policy-wrong-column',
  group: 'policy',
  ofProtect: 'always',
  title: 'The tenant is compared with the wrong column',
  severity: 'critical',
  meaning: 'Rows are chosen by a column that says nothing about their tenant.',
  remedy: 'Compare the tenant column.',
  run: (facts) =>
    policyFindings(facts, 'policy-wrong-column', {
      message: () => 'compares the tenant with a column that is not the tenant column',
      severity: (weakness) => (isSharing(facts, weakness) ? SHARING : undefined),
    }),
}

/** Whether the policy looks like intended sharing: rows name a second tenant that may read them, but only the first may write them. */
function isSharing(facts: Facts, { relation, verbs }: PolicyWeakness): boolean {
  const column = facts.tenantTable(relation)?.column?.name
  const owners = relation.policies.some(
    (policy) => policy.command !== 'insert' && column !== undefined && policy.using?.includes(column) === true,
  )
  const strict = (['insert', 'update'] as const).every((verb) =>
    facts.acting
      .filter((role) => !role.bypasses)
      .every((role) => ['proved', 'dark'].includes(facts.proofs.of(relation, verb, role).status)),
  )
  return verbs.every((verb) => verb === 'select') && owners && strict
}
