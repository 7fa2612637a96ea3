import { quoteIdentifier } from '../../catalog/names.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'

const GUARDED = new Set([
  'search_path',
  'row_security',
  'role',
  'session_replication_role',
  'default_transaction_read_only',
])
const TIMES =
  /^(statement_timeout|lock_timeout|transaction_timeout|idle_in_transaction_session_timeout|idle_session_timeout)$/

export const roleSelfSettings: Rule = {
  id: 'role-self-settings',
  group: 'context',
  title: "Settings are stored for the application's role",
  severity: 'low',
  meaning:
    'A role may change its own stored settings: one injected ALTER ROLE changes the search_path of every later session.',
  remedy: 'Run ALTER ROLE … RESET ALL, set the values from the pool, and raise an alert when they change.',
  *run(facts) {
    const acting = new Map(facts.acting.map((role) => [role.role.oid, role.role]))
    for (const setting of facts.catalog.storedSettings) {
      const role = acting.get(setting.role)
      if (role === undefined) continue
      const guarded = GUARDED.has(setting.name)
      if (!guarded && !TIMES.test(setting.name)) continue
      const where = setting.database === 0 ? '' : ` IN DATABASE ${quoteIdentifier(facts.catalog.database.name)}`
      yield {
        object: `role ${role.name}`,
        detail: setting.name,
        // A stored timeout is a useful default, although the application may change it.
        ...(guarded ? {} : chosenSeverity('info', 'A stored timeout is a usual default, and decides about no row.')),
        message: `${setting.name} is stored for ${role.name}, which may change it for all its later sessions.`,
        evidence: [`${setting.name} = ${setting.value}`],
        fix: `ALTER ROLE ${quoteIdentifier(role.name)}${where} RESET ${quoteIdentifier(setting.name)};`,
      }
    }
  },
}
