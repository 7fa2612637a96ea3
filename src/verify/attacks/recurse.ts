import { qualifiedName } from '../../catalog/names.ts'
import type { Attack } from '../attack/attack.ts'
import { draftsOf } from '../finding/drafts.ts'
import { policyRecursion } from '../rules/policy-recursion.ts'

/** 42P17: PostgreSQL detects the recursion of policies. 54001: the recursion goes through functions and exceeds the stack. */
const RECURSES = new Set(['42P17', '54001'])

/** Reads tables whose policies query each other, as the tenant of the rows. */
export const recurse: Attack = {
  name: 'recurse',
  title: 'reads tables whose policies query each other',
  needs: 'policies that query each other in a circle',
  rules: [policyRecursion.id],
  async run(arena) {
    const { facts, session, contexts } = arena
    for (const draft of draftsOf(policyRecursion, facts)) {
      for (const relation of facts.relations.filter((each) => (draft.tables ?? []).includes(each.label)))
        for (const role of facts.reach(relation, 'SELECT')) {
          const answer = await arena.as(role, contexts.b, () =>
            session.text(`select 1 from ${qualifiedName(relation)} limit 1`),
          )
          arena.tried(policyRecursion.id, draft.object)
          if (answer.ok || !RECURSES.has(answer.error.code)) continue
          arena.report({
            ...draft,
            rule: policyRecursion.id,
            evidence: [
              `as ${role.path.join(' → ')}, tenant B: SELECT on its own row in ${relation.label} ended in ${answer.error.code}: ${answer.error.message}`,
            ],
          })
        }
    }
  },
}
