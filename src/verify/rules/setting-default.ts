import type { StoredSetting } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'
import { contextSettings } from '../../tenancy/context-settings.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Rule } from '../finding/rule.ts'

export const settingDefault: Rule = {
  id: 'setting-default',
  group: 'context',
  title: 'The setting of the tenant has a default',
  severity: 'high',
  meaning: 'Code that forgets to set the tenant works as a real tenant instead of none.',
  remedy: 'Reset the stored setting: without a tenant there are no rows.',
  *run(facts) {
    for (const { stored, object } of storedContexts(facts)) {
      const role = stored.role === 0 ? undefined : quoteIdentifier(facts.roleName(stored.role))
      const database = stored.database === 0 ? undefined : quoteIdentifier(facts.catalog.database.name)
      const fix =
        role === undefined
          ? `ALTER DATABASE ${database ?? quoteIdentifier(facts.catalog.database.name)} RESET ${stored.name};`
          : `ALTER ROLE ${role}${database === undefined ? '' : ` IN DATABASE ${database}`} RESET ${stored.name};`
      yield {
        object,
        detail: stored.name,
        message: `${stored.name} has a stored value: a session that sets no tenant works as that tenant.`,
        evidence: [`stored for ${role === undefined ? 'the database' : `role ${role}`}`],
        verbs: ['select'],
        tables: [],
        fix,
      }
    }
  },
}

/** Stored values of the tenant's setting that sessions of acting roles start with, each with the object that a finding names. */
export function storedContexts(facts: Facts): readonly { readonly stored: StoredSetting; readonly object: string }[] {
  const settings = contextSettings(facts)
  const acting = new Set(facts.acting.map((role) => role.role.oid))
  return facts.catalog.storedSettings.flatMap((stored) => {
    if (!settings.has(stored.name.toLowerCase()) || stored.value === '') return []
    if (stored.role !== 0 && !acting.has(stored.role)) return []
    if (stored.database !== 0 && stored.database !== facts.catalog.database.oid) return []
    return [{ stored, object: stored.role === 0 ? 'database' : `role ${facts.roleName(stored.role)}` }]
  })
}
