import { isTable } from '../../tenancy/discovery/tenant-root.ts'
import type { Rule } from '../finding/rule.ts'
import { someOf } from '../readings/role-paths.ts'
import { THIS_DATABASE } from '../readings/this-database.ts'

const LOCKING = ['UPDATE', 'DELETE', 'TRUNCATE', 'MAINTAIN'] as const

export const lockTable: Rule = {
  id: 'lock-table',
  group: 'context',
  title: 'A tenant can lock whole tables',
  severity: 'info',
  meaning:
    'UPDATE, DELETE or TRUNCATE on a table also allows LOCK TABLE … IN ACCESS EXCLUSIVE MODE: all tenants wait. Only the rights were looked at, and not which code can send a LOCK.',
  remedy:
    "Set lock_timeout on every session, and idle_in_transaction_session_timeout. partywall's pool refuses the command LOCK, but not a function that runs one.",
  *run(facts) {
    // Also tables without a tenant: all tenants wait for those, too.
    const tables = facts.relations.filter(
      (relation) =>
        isTable(relation) &&
        relation.kind !== 'foreign-table' &&
        facts.acting.some(({ role }) =>
          LOCKING.some((privilege) => facts.privileges.onWholeRelation(role.oid, relation, privilege)),
        ),
    )
    if (tables.length === 0) return
    yield {
      object: THIS_DATABASE,
      message: `The app's rights allow LOCK TABLE on ${tables.length} ${tables.length === 1 ? 'table' : 'tables'} in ACCESS EXCLUSIVE mode: one tenant's transaction would make all tenants wait. partywall's pool refuses the command LOCK, but other connections of the app's login can send it, and a function that the app may call can contain it.`,
      evidence: [someOf(tables.map((relation) => relation.label))],
      fix: '-- The right to LOCK comes with UPDATE and DELETE. Limit its effect: set lock_timeout and idle_in_transaction_session_timeout on every session.',
    }
  },
}
