import type { Trigger } from '../catalog/model.ts'
import type { PlStatement } from '../sql/tree.ts'
import { walkStatements } from '../sql/walk.ts'
import type { ActingRole, Facts, TenantTable } from '../tenancy/facts.ts'

/** Whether an UPDATE can change the tenant of a row. If false, the new row has the old row's tenant, whatever WITH CHECK says. */
export function mayMove(facts: Facts, table: TenantTable, role: ActingRole): boolean {
  const names = table.kind === 'child' ? table.parents.flatMap((link) => link.columns) : [table.column.name]
  const binding = table.relation.columns.filter((column) => names.includes(column.name))
  // A generated column changes when the columns in its expression do.
  if (binding.some((column) => column.generated !== undefined)) return true
  return (
    binding.some((column) => facts.privileges.onColumn(role.role.oid, table.relation, column, 'UPDATE')) ||
    table.relation.triggers.some((trigger) => binding.some((column) => maySet(facts, trigger, column.name)))
  )
}

/** Whether a BEFORE UPDATE trigger may set the column. A trigger can do so although the role has no privilege on the column. */
function maySet(facts: Facts, trigger: Trigger, column: string): boolean {
  if (trigger.timing !== 'before' || !trigger.events.includes('update') || trigger.enabled === 'disabled') return false
  const fn = facts.catalog.functions.get(trigger.function)
  const body = fn === undefined ? undefined : facts.sql.body(fn)
  if (body?.kind !== 'plpgsql') return true
  let may = false
  walkStatements(body.statements, {
    statement: (statement) => {
      may ||= !leaves(statement, column.toLowerCase())
    },
  })
  return may
}

/** Whether it is certain that a PL/pgSQL statement does not change this column of NEW. */
function leaves(statement: PlStatement, column: string): boolean {
  const isIt = (target: string) => [`new.${column}`, 'new'].includes(target.toLowerCase())
  switch (statement.kind) {
    case 'block':
    case 'if':
    case 'raise':
      return true
    case 'assign':
      return !isIt(statement.target)
    case 'sql':
      return statement.query.ok && statement.query.value.node !== 'CallStmt' && !statement.into.some(isIt)
    case 'return': {
      // PostgreSQL stores the row that the trigger returns, so only RETURN NEW, OLD or NULL are safe.
      if (statement.variable !== undefined) return /^(new|old)$/i.test(statement.variable)
      const value = statement.value?.ok === true ? statement.value.value : undefined
      if (value?.kind === 'constant') return value.value === null
      return value?.kind === 'column' && value.table === undefined && /^(new|old)$/.test(value.name)
    }
    default:
      return false
  }
}
