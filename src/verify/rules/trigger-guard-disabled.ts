import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { tenantTriggers } from '../readings/trigger-code.ts'

export const triggerGuardDisabled: Rule = {
  id: 'trigger-guard-disabled',
  group: 'code',
  title: 'The trigger that checks the tenant does not fire',
  severity: 'medium',
  meaning: 'A wrong or missing tenant is stored wherever no policy checks it.',
  remedy: 'Run ALTER TABLE … ENABLE ALWAYS TRIGGER.',
  *run(facts) {
    for (const { relation, trigger, fn } of tenantTriggers(facts)) {
      if (trigger.enabled !== 'disabled' && trigger.enabled !== 'replica') continue
      const text = fn.source === '' ? (fn.atomicBody ?? '') : fn.source
      if (!facts.tenancy.columnNames.some((name) => text.includes(name))) continue
      yield {
        object: relation.label,
        detail: trigger.name,
        message: `Trigger ${trigger.name} of ${relation.label} checks the tenant and is ${trigger.enabled === 'disabled' ? 'disabled' : 'enabled for replication only'}.`,
        evidence: [`function ${fn.label}`],
        fix: `ALTER TABLE ${qualifiedName(relation)} ENABLE ALWAYS TRIGGER ${quoteIdentifier(trigger.name)};`,
      }
    }
  },
}
