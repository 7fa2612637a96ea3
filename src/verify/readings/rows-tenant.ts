import type { Relation } from '../../catalog/model.ts'
import type { Expr, FromItem, Query } from '../../sql/tree.ts'
import { walkBody } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { filterReaches } from './filter-reaches.ts'
import { comparedSides } from './given-names.ts'
import { holdsRows } from './held-query.ts'
import type { TenantTrigger } from './trigger-code.ts'

/**
 * Whether a statement of a trigger function changes only rows of one tenant: the tenant of the row that fired the trigger (`where
 * c.tenant_id = new.tenant_id`). A policy has already checked the tenant of the row that fired the trigger. Only an equality that must be
 * true for each changed row counts: `tenant_id IS NOT NULL` names the column but restricts nothing.
 */
export function comparesRowsTenant(facts: Facts, fired: TenantTrigger, query: Query, relation: Relation): boolean {
  const own = facts.tenantTable(fired.relation)?.column?.name
  if (own === undefined) return false
  const variables = tenantVariables(facts, fired, own)
  const rows = new Set(query.from.flatMap((item) => aliasesOfRows(item, transitionTables(fired), own)))
  const isGiven = (expr: Expr): boolean => {
    if (expr.kind === 'cast' || expr.kind === 'collate') return isGiven(expr.arg)
    if (expr.kind === 'array') return expr.items.length > 0 && expr.items.every(isGiven)
    if (expr.kind !== 'column') return false
    if (expr.table === undefined) return variables.has(expr.name)
    return expr.name === own && (isRow(expr.table) || rows.has(expr.table))
  }
  const pairs = (left: Expr, right: Expr): boolean => {
    if (left.kind === 'row' && right.kind === 'row')
      return left.items.some((item, at) => right.items[at] !== undefined && pairs(item, right.items[at]))
    return (isTenantColumn(facts, left) && isGiven(right)) || (isTenantColumn(facts, right) && isGiven(left))
  }
  const held = holdsRows(query, (expr) => {
    const sides = comparedSides(expr)
    return sides !== undefined && pairs(sides[0], sides[1])
  })
  return (
    held && filterReaches(facts, query, relation, (column, other) => isTenantColumn(facts, column) && isGiven(other))
  )
}

function isRow(name: string): boolean {
  return /^(new|old)$/i.test(name)
}

function isTenantColumn(facts: Facts, expr: Expr): boolean {
  if (expr.kind === 'cast' || expr.kind === 'collate') return isTenantColumn(facts, expr.arg)
  if (expr.kind !== 'column' || (expr.table !== undefined && isRow(expr.table))) return false
  return facts.tenancy.columnNames.includes(expr.name) || facts.tenancy.root?.key.name === expr.name
}

/** Variables whose only values are the tenant of NEW or OLD. */
function tenantVariables(facts: Facts, { fn }: TenantTrigger, own: string): ReadonlySet<string> {
  const body = facts.sql.body(fn)
  if (body.kind !== 'plpgsql') return new Set()
  const set = new Set<string>()
  const otherwise = new Set<string>()
  const note = (name: string, value: Expr): void => {
    const given = value.kind === 'column' && value.name === own && isRow(value.table ?? '')
    ;(given ? set : otherwise).add(name)
  }
  for (const { name, default: value } of body.variables) if (value?.ok === true) note(name, value.value)
  walkBody(body, {
    statement: (statement) => {
      if (statement.kind === 'assign') {
        if (statement.value.ok) note(statement.target, statement.value.value)
        else otherwise.add(statement.target)
      }
      if (statement.kind === 'sql') for (const name of statement.into) otherwise.add(name)
    },
  })
  return new Set([...set].filter((name) => !otherwise.has(name)))
}

/** Names of the transition tables (REFERENCING NEW TABLE AS …) of a statement-level trigger. */
function transitionTables({ trigger }: TenantTrigger): ReadonlySet<string> {
  const names = [...trigger.definition.matchAll(/\b(?:NEW|OLD) TABLE AS (?:"([^"]+)"|([\w$]+))/g)]
  return new Set(names.map(([, quoted, plain]) => quoted ?? plain ?? ''))
}

/**
 * The aliases in a FROM list that stand for rows which fired the trigger: aliases of a transition table, and of a subquery that reads only
 * a transition table and returns its tenant column.
 */
function aliasesOfRows(item: FromItem, transition: ReadonlySet<string>, own: string): readonly string[] {
  if (item.kind === 'join')
    return [...aliasesOfRows(item.left, transition, own), ...aliasesOfRows(item.right, transition, own)]
  if (item.kind === 'table') {
    const isOne = item.schema === undefined && transition.has(item.name) && item.columns === undefined
    return isOne ? [item.alias ?? item.name] : []
  }
  if (item.kind !== 'subquery' || item.alias === undefined || item.columns !== undefined) return []
  const { query } = item
  const [only] = query.from
  const plain = query.from.length === 1 && only !== undefined && query.setOperation === undefined
  const inner = plain ? aliasesOfRows(only, transition, own) : []
  const keeps = query.targets.some(
    ({ name, expr }) => expr.kind === 'column' && expr.name === own && (name === undefined || name === own),
  )
  return inner.length > 0 && keeps ? [item.alias] : []
}
