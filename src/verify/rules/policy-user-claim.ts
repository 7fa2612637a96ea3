import type { Policy } from '../../catalog/model.ts'
import { functionFinder, isUserWritable, settingsIn } from '../../tenancy/discovery/settings.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { FindingDraft } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { policyFindings } from '../readings/policy-finding.ts'

export const policyUserClaim: Rule = {
  id: 'policy-user-claim',
  group: 'policy',
  ofProtect: 'always',
  title: 'The tenant comes from data that the user can edit',
  severity: 'high',
  meaning: 'Users write the id of another tenant into their own profile and are let in.',
  remedy: 'Use a claim that only the identity provider can set, such as app_metadata.',
  *run(facts) {
    const seen = new Set<string>()
    for (const finding of policyFindings(facts, 'policy-user-claim', {
      message: () => 'trusts a claim that the user can edit',
    })) {
      seen.add(`${finding.object}:${finding.detail}`)
      yield finding
    }
    // If all policies use such a claim, discovery takes the claim for the tenant's setting, and the prover finds no weakness. So this rule
    // reports the claim itself.
    for (const finding of trustedByAll(facts)) if (!seen.has(`${finding.object}:${finding.detail}`)) yield finding
  },
}

function* trustedByAll(facts: Facts): Iterable<FindingDraft> {
  const { context } = facts.tenancy
  if (![context, ...context.alternatives].some(isUserWritable)) return
  for (const { relation } of facts.tenancy.tables.values()) {
    for (const policy of relation.policies) {
      if (!policy.permissive || !readsUserClaim(facts, policy)) continue
      yield {
        object: relation.label,
        detail: policy.name,
        message: `Policy ${policy.name} on ${relation.label} takes the tenant from a claim that the user can edit at the identity provider.`,
        evidence: [`the tenant is read from ${context.setting} -> ${context.path.join(' -> ')}`],
        verbs: verbsOf(policy),
        fix: `-- Rewrite policy ${policy.name} of ${relation.label}: a claim that only the provider sets, such as app_metadata.`,
      }
    }
  }
}

function readsUserClaim(facts: Facts, policy: Policy): boolean {
  const finder = functionFinder(facts.catalog)
  return [policy.using, policy.check].some((text) => {
    const parsed = text === undefined ? undefined : facts.sql.expression(text)
    if (parsed?.ok !== true) return false
    return settingsIn(parsed.value, facts.sql, finder).some(isUserWritable)
  })
}

function verbsOf(policy: Policy): readonly ('select' | 'insert' | 'update' | 'delete')[] {
  return policy.command === 'all' ? ['select', 'insert', 'update', 'delete'] : [policy.command]
}
