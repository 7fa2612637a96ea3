import type { Rule } from '../finding/rule.ts'
import {
  canReference,
  compositeForeignKeySql,
  otherwiseHeld,
  parentIsLoose,
  tenantForeignKeys,
} from '../readings/foreign-keys.ts'

export const fkCascadeCrosses: Rule = {
  id: 'fk-cascade-crosses',
  group: 'key',
  ofProtect: 'always',
  title: 'A delete cascades across tenants',
  severity: 'high',
  meaning:
    'When one tenant deletes a row or changes its key, PostgreSQL deletes or changes rows of another tenant, and no policy applies.',
  remedy: 'Make the foreign key composite, with the tenant column on both sides.',
  *run(facts) {
    for (const key of tenantForeignKeys(facts)) {
      const { onDelete, onUpdate } = key.references
      const does = [
        ...(onDelete === 'no-action' || onDelete === 'restrict' ? [] : [`ON DELETE ${onDelete.replace('-', ' ')}`]),
        ...(onUpdate === 'no-action' || onUpdate === 'restrict' ? [] : [`ON UPDATE ${onUpdate.replace('-', ' ')}`]),
      ].map((text) => text.toUpperCase())
      if (does.length === 0 || key.pairsTenant || parentIsLoose(facts, key) || !canReference(facts, key)) continue
      const held = otherwiseHeld(facts, key)
      if (held === 'policy') continue
      yield {
        object: key.relation.label,
        detail: key.constraint.name,
        message: `Foreign key ${key.constraint.name} of ${key.relation.label} leaves out the tenant and cascades: when one tenant deletes or changes its row in ${key.parent.label}, PostgreSQL deletes or changes rows of other tenants here, without their policies.`,
        evidence: does,
        ...(held === 'trigger' ? { suspected: true } : {}),
        fix: compositeForeignKeySql(key),
      }
    }
  },
}
