import type { Rule } from '../finding/rule.ts'
import { someOf } from '../readings/role-paths.ts'
import { THIS_DATABASE } from '../readings/this-database.ts'

export const lockTable: Rule = {
  id: 'lock-table',
  group: 'context',
  title: 'A tenant can lock whole tables',
  severity: 'info',
  meaning: 'UPDATE, DELETE or TRUNCATE on a table also allows LOCK TABLE … IN ACCESS EXCLUSIVE MODE: all tenants wait.',
  remedy: "Set lock_timeout and statement_timeout on every session; partywall's pool also refuses LOCK.",
  *run(facts) {
    const tables = [...facts.tenancy.tables.values()]
      .map(({ relation }) => relation)
      .filter((relation) =>
        (['UPDATE', 'DELETE', 'TRUNCATE'] as const).some((privilege) => facts.reach(relation, privilege).length > 0),
      )
    if (tables.length === 0) return
    yield {
      object: THIS_DATABASE,
      message: `The app may LOCK ${tables.length} ${tables.length === 1 ? 'table' : 'tables'} in ACCESS EXCLUSIVE mode: one tenant's transaction makes all tenants wait.`,
      evidence: [someOf(tables.map((relation) => relation.label))],
      fix: '-- Comes with UPDATE and DELETE. Bound it: lock_timeout and statement_timeout on every session.',
    }
  },
}
