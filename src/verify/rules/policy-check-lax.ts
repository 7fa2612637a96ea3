import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { contextTrigger } from '../readings/context-trigger.ts'
import { policyFindings } from '../readings/policy-finding.ts'

export const policyCheckLax: Rule = {
  id: 'policy-check-lax',
  group: 'policy',
  ofProtect: 'always',
  title: 'WITH CHECK is wider than USING',
  severity: 'critical',
  meaning: 'A tenant inserts rows into another tenant, or moves rows there.',
  remedy: 'Use the same expression in WITH CHECK as in USING.',
  *run(facts) {
    const relations = new Map(facts.relations.map((relation) => [relation.label, relation]))
    for (const draft of policyFindings(facts, 'policy-check-lax', {
      message: () => 'does not check the tenant of new rows',
    })) {
      const relation = relations.get(draft.object)
      const triggers = (draft.verbs ?? []).map((verb) =>
        relation === undefined ? undefined : contextTrigger(facts, relation, verb),
      )
      const names = [...new Set(triggers.map((trigger) => trigger?.name))].join(', ')
      if (triggers.length === 0 || triggers.includes(undefined)) yield draft
      else
        yield {
          ...draft,
          ...chosenSeverity('low', `By its text, trigger ${names} keeps the row in the session's tenant.`),
          message: `${draft.message.replace(/: [^:]*$/, '')}: only trigger ${names} keeps the row in the session's tenant.`,
          // No verbs, so the finding leaves the verdicts unchanged. If an attack succeeds, its crossing becomes a separate finding.
          verbs: [],
        }
    }
  },
}
