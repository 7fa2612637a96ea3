import type { Rule } from '../finding/rule.ts'
import {
  canReference,
  compositeForeignKeySql,
  keepsParent,
  otherwiseHeld,
  parentIsLoose,
  tenantForeignKeys,
} from '../readings/foreign-keys.ts'

export const fkCrossesTenants: Rule = {
  id: 'fk-crosses-tenants',
  group: 'key',
  ofProtect: 'always',
  title: 'A foreign key crosses tenants',
  severity: 'high',
  meaning:
    'Foreign keys are checked without the policies: a tenant can refer to a row of another tenant, and learns that it exists. With NO ACTION or RESTRICT the reference also keeps that row from being deleted.',
  remedy: 'Make the foreign key composite, with the tenant column on both sides.',
  *run(facts) {
    for (const key of tenantForeignKeys(facts)) {
      if (key.pairsTenant || parentIsLoose(facts, key) || !canReference(facts, key)) continue
      const held = otherwiseHeld(facts, key)
      if (held === 'policy') continue
      const columns = key.columns.map((column) => column.name).join(', ')
      yield {
        object: key.relation.label,
        detail: key.constraint.name,
        message: `Foreign key ${key.constraint.name} of ${key.relation.label} leaves out the tenant: a row of one tenant can refer to a row of another in ${key.parent.label}, which shows that the row exists${keepsParent(key) ? ' and keeps it from being deleted' : ''}.`,
        evidence: [`(${columns}) → ${key.parent.label} (${key.parentColumns.map((column) => column.name).join(', ')})`],
        ...(held === 'trigger' ? { suspected: true, doubts: ['a trigger may check it'] } : {}),
        fix: compositeForeignKeySql(key),
      }
    }
  },
}
