import { walkBody } from '../../sql/walk.ts'
import type { Rule } from '../finding/rule.ts'
import { contextNames, readsContext } from '../readings/context-names.ts'
import { canFire, tenantTriggers } from '../readings/trigger-code.ts'

export const triggerOverwritesTenant: Rule = {
  id: 'trigger-overwrites-tenant',
  group: 'code',
  title: 'A trigger takes the tenant from what the user sent',
  severity: 'high',
  meaning:
    'The tenant of the new row comes from a parent or a payload, and no policy checks it afterwards: rows are planted in another tenant.',
  remedy: "Add an INSERT policy that compares the tenant with the session's tenant.",
  *run(facts) {
    for (const { relation, trigger, fn } of tenantTriggers(facts)) {
      if (trigger.timing !== 'before' || !trigger.events.includes('insert') || !canFire(facts, relation, trigger))
        continue
      const column = facts.tenantTable(relation)?.column?.name
      if (column === undefined) continue
      const names = contextNames(facts, fn)
      let overwrites = false
      walkBody(facts.sql.body(fn), {
        statement: (statement) => {
          if (statement.kind === 'assign' && statement.target.toLowerCase() === `new.${column}`) {
            overwrites ||= !statement.value.ok || !readsContext(facts, statement.value.value, names)
          }
          if (statement.kind === 'sql' && statement.into.some((into) => into.toLowerCase() === `new.${column}`))
            overwrites = true
        },
      })
      if (!overwrites) continue
      const lax = facts.reach(relation, 'INSERT').filter((role) => {
        const { status } = facts.proofs.of(relation, 'insert', role)
        return status === 'open' || (!facts.protectedFor(relation, role) && status !== 'dark')
      })
      if (lax.length === 0) continue
      yield {
        object: relation.label,
        detail: trigger.name,
        message: `Trigger ${trigger.name} sets ${column} of ${relation.label} from what the user sent, and no policy checks it afterwards.`,
        evidence: [`function ${fn.label}`, `as ${lax.map((role) => role.role.name).join(', ')}`],
        verbs: ['insert'],
        fix: `-- Give ${relation.label} a policy FOR INSERT whose WITH CHECK compares ${column} with the context.`,
      }
    }
  },
}
