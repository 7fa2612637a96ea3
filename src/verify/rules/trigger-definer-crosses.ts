import { invokerSql } from '../../tenancy/invoker-sql.ts'
import type { Rule } from '../finding/rule.ts'
import { unheldQueries } from '../readings/definer-code.ts'
import { comparesRowsTenant } from '../readings/rows-tenant.ts'
import { canFire, tenantTriggers } from '../readings/trigger-code.ts'

export const triggerDefinerCrosses: Rule = {
  id: 'trigger-definer-crosses',
  group: 'code',
  title: 'A SECURITY DEFINER trigger changes a row that the user named',
  severity: 'high',
  meaning:
    'The trigger runs past the policies and finds its row by an id in the new row: it changes a parent or counter of another tenant.',
  remedy: 'Add the tenant to the WHERE of the trigger, and use a foreign key that carries the tenant.',
  *run(facts) {
    const seen = new Set<string>()
    for (const fired of tenantTriggers(facts)) {
      const { relation, trigger, fn } = fired
      if (!fn.securityDefiner || !canFire(facts, relation, trigger) || seen.has(fn.label)) continue
      const crossing = unheldQueries(facts, fn).filter(
        ({ verb, filtered, query, relation: target }) =>
          (verb === 'update' || verb === 'delete') && !filtered && !comparesRowsTenant(facts, fired, query, target),
      )
      if (crossing.length === 0) continue
      seen.add(fn.label)
      const tables = [...new Set(crossing.map((each) => each.relation.label))]
      yield {
        object: fn.label,
        message: `${fn.label} (trigger ${trigger.name} on ${relation.label}) runs as ${facts.roleName(fn.owner)} and changes ${tables.join(', ')} without the tenant in its WHERE: a row that points at another tenant's row changes that row.`,
        evidence: [`fired by ${trigger.events.join(', ')} on ${relation.label}`],
        verbs: [...new Set(crossing.map(({ verb }) => verb))],
        tables,
        fix: invokerSql(facts, fn),
      }
    }
  },
}
