import type { Facts } from '../../tenancy/facts.ts'
import type { FindingDraft } from './finding.ts'
import type { Rule } from './rule.ts'

const known = new WeakMap<Facts, Map<Rule, readonly FindingDraft[]>>()

/** The static findings of a rule on these facts. They are computed once, for the report and for the attacks. */
export function draftsOf(rule: Rule, facts: Facts): readonly FindingDraft[] {
  let drafts = known.get(facts)
  if (drafts === undefined) {
    drafts = new Map()
    known.set(facts, drafts)
  }
  const before = drafts.get(rule)
  if (before !== undefined) return before
  const made = [...rule.run(facts)]
  drafts.set(rule, made)
  return made
}
