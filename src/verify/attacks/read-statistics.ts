import { qualifiedName, quoteLiteral } from '../../catalog/names.ts'
import type { Attack } from '../attack/attack.ts'
import { becomeSql } from '../attack/identity.ts'
import { holdsMarker, markersOf } from '../attack/markers.ts'
import { draftsOf } from '../finding/drafts.ts'
import { statsVisible } from '../rules/stats-visible.ts'

/** Maximum number of tables that are analysed. One table that shows B's values is enough. */
const MOST_TABLES = 4

/** Runs ANALYZE on tables with planted rows, as autovacuum does, and looks for B's values in the statistics. */
export const readStatistics: Attack = {
  name: 'read-statistics',
  title: 'reads values of other tenants in the planner’s statistics',
  needs: 'SELECT on pg_statistic for a role in reach',
  rules: ['stats-visible'],
  async run(arena) {
    const { facts, session, contexts } = arena
    const draft = draftsOf(statsVisible, facts).find((each) => each.object === 'pg_catalog.pg_statistic')
    if (draft === undefined) return
    const tables = [...facts.tenancy.tables.values()]
      .map(({ relation }) => relation)
      .filter((relation) => relation.kind === 'table' && markersOf(arena, [relation]).length > 0)
    for (const role of facts.acting.filter((acting) => !acting.bypasses))
      for (const relation of tables.slice(0, MOST_TABLES)) {
        const told = holdsMarker(
          "pg_catalog.concat_ws(',', s.stavalues1::text, s.stavalues2::text, s.stavalues3::text)",
          markersOf(arena, [relation]),
        )
        const answer = await session.probe(async () => {
          await session.run(`analyze ${qualifiedName(relation)}`)
          await session.run(`${becomeSql(arena.facts, role)};${contexts.a.sql(role)}select 1`)
          return await session.text(
            `select 1 from pg_catalog.pg_statistic as s where s.starelid = ${quoteLiteral(qualifiedName(relation))}::regclass and ${told}`,
          )
        })
        if (!answer.ok || answer.value.count === 0) continue
        arena.report({
          ...draft,
          rule: 'stats-visible',
          evidence: [
            `as ${role.path.join(' → ')}, tenant A: after ANALYZE, pg_statistic showed values of tenant B's row in ${relation.label}`,
          ],
        })
        return
      }
  },
}
