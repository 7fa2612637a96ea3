import { qualifiedName } from '../../catalog/names.ts'
import type { Attack } from '../attack/attack.ts'
import { draftsOf } from '../finding/drafts.ts'
import { policyPerRow } from '../rules/policy-per-row.ts'

/** Maximum number of plans that are read. Each takes a round trip, and a large schema has the same policy on each table. */
const MOST_PLANS = 40

/** Reads query plans. A call in a Filter is evaluated once per row, a call in an InitPlan once per query. */
export const explainPolicies: Attack = {
  name: 'explain-policies',
  title: 'reads query plans for policies that are evaluated for each row',
  needs: 'a policy that may be evaluated for each row',
  rules: ['policy-per-row'],
  async run(arena) {
    const { facts, session, contexts } = arena
    const byLabel = new Map(facts.relations.map((relation) => [relation.label, relation]))
    for (const draft of draftsOf(policyPerRow, facts).slice(0, MOST_PLANS)) {
      const relation = byLabel.get(draft.object)
      const role = relation === undefined ? undefined : facts.reach(relation, 'SELECT')[0]
      const policy = relation?.policies.find((each) => each.name === draft.detail)
      if (relation === undefined || role === undefined || policy === undefined) continue
      const helpers = policy.functions.flatMap((oid) => facts.catalog.functions.get(oid)?.name ?? [])
      const called = ['current_setting', ...helpers].map((name) => `${name}(`)
      const answer = await arena.as(role, contexts.a, async () => {
        // Turn index scans off: an index condition is evaluated once, but only some queries can use the index.
        await session.run(
          'set local enable_indexscan = off; set local enable_indexonlyscan = off; set local enable_bitmapscan = off',
        )
        return await session.text(`explain (costs off) select 1 from ${qualifiedName(relation)}`)
      })
      const plan = answer.ok ? answer.value.rows.map((row) => row['QUERY PLAN'] ?? '') : []
      const filter = plan.find((line) => /^\s*Filter:/.test(line) && called.some((name) => line.includes(name)))
      if (filter === undefined) continue
      arena.report({
        ...draft,
        rule: 'policy-per-row',
        evidence: [
          `as ${role.path.join(' → ')}, tenant A: EXPLAIN of a scan without an index shows it in the filter of each row and in no InitPlan`,
        ],
      })
    }
  },
}
