import { quoteIdentifier } from '../../catalog/names.ts'
import { contextSettings } from '../context-settings.ts'
import type { Rule } from '../rule.ts'

export const settingDefault: Rule = {
  id: 'setting-default',
  group: 'context',
  title: 'The tenant’s setting has a default',
  severity: 'high',
  meaning: 'Code that forgets its context works as a real tenant in place of none.',
  remedy: 'Reset the stored setting: without a context there are no rows.',
  *run(facts) {
    const settings = contextSettings(facts)
    const acting = new Set(facts.acting.map((role) => role.role.oid))
    for (const stored of facts.catalog.storedSettings) {
      if (!settings.has(stored.name.toLowerCase()) || stored.value === '') continue
      if (stored.role !== 0 && !acting.has(stored.role)) continue
      if (stored.database !== 0 && stored.database !== facts.catalog.database.oid) continue
      const role = stored.role === 0 ? undefined : quoteIdentifier(facts.roleName(stored.role))
      const database = stored.database === 0 ? undefined : quoteIdentifier(facts.catalog.database.name)
      const fix =
        role === undefined
          ? `ALTER DATABASE ${database ?? quoteIdentifier(facts.catalog.database.name)} RESET ${stored.name};`
          : `ALTER ROLE ${role}${database === undefined ? '' : ` IN DATABASE ${database}`} RESET ${stored.name};`
      yield {
        object: role === undefined ? 'database' : `role ${facts.roleName(stored.role)}`,
        detail: stored.name,
        message: `${stored.name} has a stored value: a session that sets no tenant has one all the same.`,
        evidence: [`stored for ${role === undefined ? 'the database' : `role ${role}`}`],
        verbs: ['select'],
        tables: [],
        fix,
      }
    }
  },
}
