import type { Trigger } from '../../catalog/model.ts'
import type { ActingRole, Facts, TenantTable } from '../facts.ts'
import { walkBody } from '../sql/walk.ts'

/** False where an UPDATE can't change whose the row is: the new row is of the old one's tenant, whatever WITH CHECK says. */
export function mayMove(facts: Facts, table: TenantTable, role: ActingRole): boolean {
  const names = table.kind === 'child' ? table.parents.flatMap((link) => link.columns) : [table.column.name]
  const binding = table.relation.columns.filter((column) => names.includes(column.name))
  return (
    binding.some((column) => facts.privileges.onColumn(role.role.oid, table.relation, column, 'UPDATE')) ||
    table.relation.triggers.some((trigger) => binding.some((column) => sets(facts, trigger, column.name)))
  )
}

/** A trigger needs no right on the column that it writes into the new row. */
function sets(facts: Facts, trigger: Trigger, column: string): boolean {
  if (trigger.timing !== 'before' || !trigger.events.includes('update') || trigger.enabled === 'disabled') return false
  const fn = facts.catalog.functions.get(trigger.function)
  const body = fn === undefined ? undefined : facts.sql.body(fn)
  if (body === undefined || body.kind === 'unreadable') return true
  let found = false
  const isIt = (target: string) =>
    target.toLowerCase() === `new.${column.toLowerCase()}` || target.toLowerCase() === 'new'
  walkBody(body, {
    statement: (statement) => {
      if (statement.kind === 'assign') found ||= isIt(statement.target)
      if (statement.kind === 'sql') found ||= statement.into.some(isIt)
    },
  })
  return found
}
