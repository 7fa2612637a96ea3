import type { DatabaseFunction, Relation } from '../../catalog/model.ts'
import type { Expr, Query } from '../../sql/tree.ts'
import { contextSettings } from '../../tenancy/context-settings.ts'
import { functionFinder, settingsIn } from '../../tenancy/discovery/settings.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { holdsRows } from './held-query.ts'

/**
 * A definer function that answers a user's question about himself: is he a member of that tenant, of which tenants, as what.
 * It reads past the policies since they call it, and tells nobody about others: the rows that it reads are held by the
 * setting that names the user.
 */
export function tellsOwnMembership(facts: Facts, fn: DatabaseFunction, relation: Relation, query: Query): boolean {
  const users = new Set<string>()
  const isOwn = (expr: Expr): boolean => {
    const column = userColumn(facts, expr)
    if (column === undefined || !namesSomebody(relation, column)) return false
    users.add(column)
    return true
  }
  if (!holdsRows(query, isOwn)) return false
  if (fn.returnType === 'boolean' && !fn.returnsSet) return true
  const tenant = facts.tenantTable(relation)?.column?.name
  if (query.targets.length > 0 && query.targets.every(({ expr }) => expr.kind === 'column' && expr.name === tenant))
    return true
  return [...users].some((user) => isMembership(relation, tenant, user))
}

/** `column = setting` where the setting is not the one that names the tenant: it names who asks. */
function userColumn(facts: Facts, expr: Expr): string | undefined {
  if (expr.kind !== 'operator' || expr.op !== '=' || expr.left === undefined) return undefined
  const { context, columnNames } = facts.tenancy
  const tenantSettings = context.kind === 'key' ? new Set<string>() : contextSettings(facts)
  for (const [column, value] of [
    [bare(expr.left), expr.right],
    [bare(expr.right), expr.left],
  ] as const) {
    if (column.kind !== 'column' || columnNames.includes(column.name)) continue
    const uses = settingsIn(value, facts.sql, functionFinder(facts.catalog))
    // Claims hold the user and the tenant; their key tells which.
    const isTenant = uses.some(
      (use) =>
        tenantSettings.has(use.setting) &&
        use.path.join('->') === (context.kind === 'key' ? '' : context.path.join('->')),
    )
    if (uses.length > 0 && !isTenant) return column.name
  }
  return undefined
}

/** A key or part of one, or called so: not a status or a region that a setting happens to filter by. */
function namesSomebody(relation: Relation, name: string): boolean {
  const column = relation.columns.find((own) => own.name === name)
  if (column === undefined) return false
  if (/user|member|person|profile|login|email|staff|employee|subject|^sub$|uid/i.test(name)) return true
  return relation.constraints.some(
    ({ kind, columns }) => /^(primary-key|unique|foreign-key)$/.test(kind) && columns.includes(column.number),
  )
}

/** One row a tenant and user. */
function isMembership(relation: Relation, tenant: string | undefined, user: string): boolean {
  const numbers = [tenant, user].map((name) => relation.columns.find((column) => column.name === name)?.number)
  return relation.constraints.some(
    ({ kind, columns }) =>
      (kind === 'primary-key' || kind === 'unique') &&
      columns.length === 2 &&
      numbers.every((number) => number !== undefined && columns.includes(number)),
  )
}

function bare(expr: Expr): Expr {
  return expr.kind === 'cast' || expr.kind === 'collate' ? bare(expr.arg) : expr
}
