import type { Facts } from '../../tenancy/facts.ts'
import type { FindingDraft } from './finding.ts'
import type { Rule } from './rule.ts'

const known = new WeakMap<Facts, Map<Rule, readonly FindingDraft[]>>()

/** What a rule reads from these facts; read once, for the report and for the attacks that try what it suspects. */
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
