import type { DatabaseFunction, Relation, Trigger } from '../../catalog/model.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { reachedThrough } from './through-parents.ts'

export interface TenantTrigger {
  readonly relation: Relation
  readonly trigger: Trigger
  readonly fn: DatabaseFunction
}

/** Triggers of tables that are bound to a tenant, with their functions. */
export function* tenantTriggers(facts: Facts): Iterable<TenantTrigger> {
  for (const { relation } of facts.tenancy.tables.values()) {
    for (const trigger of relation.triggers) {
      const fn = facts.catalog.functions.get(trigger.function)
      if (fn !== undefined && fn.extension === undefined && fn.schema !== 'partywall') yield { relation, trigger, fn }
    }
  }
}

/** True when some acting role can fire the trigger. */
export function canFire(facts: Facts, relation: Relation, trigger: Trigger): boolean {
  const privileges = { insert: 'INSERT', update: 'UPDATE', delete: 'DELETE', truncate: 'TRUNCATE' } as const
  return (
    trigger.enabled !== 'disabled' && trigger.events.some((event) => reachedThrough(facts, relation, privileges[event]))
  )
}
