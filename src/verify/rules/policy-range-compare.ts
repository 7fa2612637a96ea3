import type { Expr } from '../../sql/tree.ts'
import { contextSettings } from '../../tenancy/context-settings.ts'
import { functionFinder, settingsIn } from '../../tenancy/discovery/settings.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { narrowPolicySql, policyFindings } from '../readings/policy-finding.ts'
import { type PolicyWeakness, weaknessesOf } from '../readings/weaknesses.ts'

export const policyRangeCompare: Rule = {
  id: 'policy-range-compare',
  group: 'policy',
  ofProtect: 'always',
  title: 'The comparison is a range',
  severity: 'high',
  meaning: 'A comparison by order or inequality lets in every tenant on one side of it.',
  remedy: 'Compare with =, and put parentheses around OR.',
  *run(facts) {
    yield* policyFindings(facts, 'policy-range-compare', { message: () => 'compares by order or inequality' })
    for (const rule of ['policy-column-opt-out', 'policy-user-not-tenant', 'policy-role-identity'] as const)
      for (const weakness of weaknessesOf(facts, rule))
        if (isSwallowedByOr(facts, weakness))
          yield {
            object: weakness.relation.label,
            ...(weakness.policy === undefined ? {} : { detail: weakness.policy }),
            ...(weakness.verbs.every((verb) => verb === 'select')
              ? chosenSeverity('medium', 'Only reads are open, and a tenant may share such rows on purpose.')
              : {}),
            message: `Policy ${weakness.policy} on ${weakness.relation.label} mixes AND with OR: AND binds first, so the tenant test does not apply to the condition after OR.`,
            evidence: [`true without the tenant test: ${weakness.text}`],
            verbs: weakness.verbs,
            ...(weakness.certain ? {} : { suspected: true }),
            fix: `-- Put parentheses around the alternatives: tenant = context AND (a OR b).\n${narrowPolicySql(facts, weakness.relation, weakness.policyObject)}`,
          }
  },
}

/** `tenant = context AND a OR b` means `(… AND a) OR b`. The author most likely meant `tenant = context AND (a OR b)`. */
function isSwallowedByOr(facts: Facts, { policyObject, clause }: PolicyWeakness): boolean {
  const text = clause === 'using' ? policyObject?.using : (policyObject?.check ?? policyObject?.using)
  const parsed = text === undefined ? undefined : facts.sql.expression(text)
  if (parsed?.ok !== true || parsed.value.kind !== 'or') return false
  const settings = contextSettings(facts)
  const tests = (part: Expr) =>
    settingsIn(part, facts.sql, functionFinder(facts.catalog)).some((use) => settings.has(use.setting))
  return parsed.value.args.some(
    (arm) => arm.kind === 'and' && arm.args.some(tests) && arm.args.some((part) => !tests(part)),
  )
}
