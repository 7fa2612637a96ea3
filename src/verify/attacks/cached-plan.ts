import { qualifiedName } from '../../catalog/names.ts'
import type { Attack } from '../attack/attack.ts'
import { rowFilter } from '../attack/row-filters.ts'
import { draftsOf } from '../finding/drafts.ts'
import { policyFunctionConstant } from '../rules/policy-function-constant.ts'

/** Prepares a statement as B and runs it again as A. A helper function whose value was computed at planning still returns B's tenant. */
export const cachedPlan: Attack = {
  name: 'cached-plan',
  title: 'runs a statement that was prepared for another tenant',
  needs: 'a policy that calls a function whose answer may be kept from an earlier tenant',
  rules: ['policy-function-constant'],
  async run(arena) {
    const { facts, session } = arena
    const { a, b } = arena.contexts
    for (const draft of draftsOf(policyFunctionConstant, facts)) {
      for (const relation of facts.relations) {
        const row = arena.row(relation, 'b')
        if (row === undefined || draft.tables?.includes(relation.label) !== true) continue
        for (const role of facts.reach(relation, 'SELECT')) {
          const readable = relation.columns.filter((column) =>
            facts.privileges.onColumn(role.role.oid, relation, column, 'SELECT'),
          )
          const filter = rowFilter(relation, row, readable)
          if (filter === undefined) continue
          const direct = await arena.as(role, a, () =>
            session.text(`select 1 from ${qualifiedName(relation)} where ${filter}`),
          )
          // Control: if A sees the row without the prepared statement, this attack is not the cause.
          if (direct.ok && direct.value.count > 0) continue
          const answer = await arena.as(role, b, async () => {
            await session.run(`prepare partywall_cached as select 1 from ${qualifiedName(relation)} where ${filter}`)
            await session.run(`execute partywall_cached; ${a.sql(role)}`)
            return session.text('execute partywall_cached')
          })
          // A rollback does not remove prepared statements.
          await session.probe(() => session.run('deallocate partywall_cached'))
          if (!answer.ok || answer.value.count === 0) continue
          arena.report({
            rule: 'policy-function-constant',
            object: draft.object,
            verbs: ['select'],
            tables: [relation.label],
            message: `A plan that was made for one tenant answers another with its rows.`,
            evidence: [
              `as ${role.path.join(' → ')}: a statement prepared as tenant B returned tenant B's row of ${relation.label} to tenant A`,
            ],
            fix: draft.fix,
          })
          break
        }
      }
    }
  },
}
