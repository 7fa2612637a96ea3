import type { DatabaseFunction, Relation } from '../../catalog/model.ts'
import type { Expr, Query } from '../../sql/tree.ts'
import { contextSettings } from '../../tenancy/context-settings.ts'
import { functionFinder, settingsIn } from '../../tenancy/discovery/settings.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { holdsRows } from './held-query.ts'

/**
 * Whether a SECURITY DEFINER function tells users only about their own memberships: the tenants of which they are members, or their roles
 * there. Policies call such functions, so the functions must read without policies. They reveal nothing about other users, because they
 * read only rows of the user in the setting.
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

/** The column in `column = setting`, if the setting does not contain the tenant. The setting then contains the user. */
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
    // One JSON setting may contain both user and tenant. The path into the JSON says which of them is read.
    const isTenant = uses.some(
      (use) =>
        tenantSettings.has(use.setting) &&
        use.path.join('->') === (context.kind === 'key' ? '' : context.path.join('->')),
    )
    if (uses.length > 0 && !isTenant) return column.name
  }
  return undefined
}

/** Whether a column names a user, judged by the column's name or because it is part of a key. A status or a region names no user. */
function namesSomebody(relation: Relation, name: string): boolean {
  const column = relation.columns.find((own) => own.name === name)
  if (column === undefined) return false
  if (/user|member|person|profile|login|email|staff|employee|subject|^sub$|uid/i.test(name)) return true
  return relation.constraints.some(
    ({ kind, columns }) => /^(primary-key|unique|foreign-key)$/.test(kind) && columns.includes(column.number),
  )
}

/** Whether the table has a unique key of exactly the tenant and the user. */
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
