import type { Column, DatabaseFunction, Relation } from '../../catalog/model.ts'
import { quoteLiteral } from '../../catalog/names.ts'
import type { Expr, Query } from '../../sql/tree.ts'
import { walkBody, walkExpression } from '../../sql/walk.ts'
import { same } from '../../tenancy/discovery/choose-context.ts'
import { equalSides, tablesOf } from '../../tenancy/discovery/compared.ts'
import { constantText, functionFinder, innerSetting, type SettingUse } from '../../tenancy/discovery/settings.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { calledBy } from '../readings/policy-functions.ts'
import type { Said } from './contexts.ts'

/** Conditions of a table's policies in addition to the tenant: values that columns must have, and values that settings must have. */
export interface RowHints {
  /** For each column, the value that it must have, as SQL. */
  readonly rows: ReadonlyMap<Column, { readonly relation: Relation; readonly sql: string }>
  readonly said: readonly Said[]
}

/**
 * Looks in the policies of a table, and in the functions that they call, for conditions like `status = 'active'`, `not archived`,
 * `expires_at > now()`.
 */
export function rowHints(facts: Facts, relation: Relation): RowHints {
  const rows = new Map<Column, { readonly relation: Relation; readonly sql: string }>()
  const said: Said[] = []
  const functions = functionFinder(facts.catalog)
  const note = (table: Relation | undefined, name: string, value: (column: Column) => string | undefined) => {
    const column = table?.columns.find((each) => each.name === name)
    if (table === undefined || column === undefined || rows.has(column)) return
    if (facts.tenantTable(table)?.column === column || column.generated !== undefined) return
    const sql = value(column)
    if (sql !== undefined) rows.set(column, { relation: table, sql })
  }
  const say = (use: SettingUse | undefined, value: string) => {
    if (use !== undefined && !said.some((other) => same(other.use, use))) said.push({ use, value })
  }
  const read = (expr: Expr, tables: readonly { readonly alias: string; readonly relation: Relation }[]) => {
    const tableOf = (column: Extract<Expr, { kind: 'column' }>) =>
      tables.find(
        ({ alias, relation: table }) =>
          (column.table === undefined || column.table === alias) &&
          table.columns.some((each) => each.name === column.name),
      )?.relation
    if (asksForAny(expr))
      say(innerSetting(expr.kind === 'null-test' ? expr.arg : expr, facts.sql, functions), 'partywall')
    for (const [left, right] of equalSides(expr)) {
      const text = literalOf(right)
      if (text === undefined) continue
      if (left.kind === 'column') note(tableOf(left), left.name, (column) => `${quoteLiteral(text)}::${column.type}`)
      say(innerSetting(left, facts.sql, functions), text)
    }
    if (expr.kind === 'operator' && expr.left?.kind === 'column' && isClock(expr.right)) {
      const sign = expr.op.startsWith('>') ? '+' : expr.op.startsWith('<') ? '-' : undefined
      if (sign !== undefined)
        note(tableOf(expr.left), expr.left.name, (column) => `(now() ${sign} interval '1 day')::${column.type}`)
    }
    if (expr.kind === 'null-test' && !expr.negated && expr.arg.kind === 'column')
      note(tableOf(expr.arg), expr.arg.name, (column) => (column.notNull ? undefined : 'null'))
    for (const [condition, truth] of conditionsOf(expr))
      if (condition.kind === 'column')
        note(tableOf(condition), condition.name, (column) => (column.baseType === 'boolean' ? truth : undefined))
  }
  const readQuery = (query: Query) => {
    const tables = query.from.flatMap(tablesOf).flatMap((item) => {
      const table = facts.relationNamed(item.schema, item.name)
      return table === undefined ? [] : [{ alias: item.alias ?? item.name, relation: table }]
    })
    for (const condition of [query.where, ...query.from.flatMap((item) => (item.kind === 'join' ? [item.on] : []))])
      if (condition !== undefined) walkExpression(condition, { expression: (expr) => read(expr, tables) })
  }
  const seen = new Set<DatabaseFunction>()
  const readFunction = (fn: DatabaseFunction): void => {
    if (seen.has(fn)) return
    seen.add(fn)
    walkBody(facts.sql.body(fn), { query: readQuery, expression: (expr) => read(expr, []) })
    for (const inner of calledBy(facts, fn)) readFunction(inner)
  }
  for (const policy of relation.policies) {
    for (const text of [policy.using, policy.check]) {
      const parsed = text === undefined ? undefined : facts.sql.expression(text)
      if (parsed?.ok !== true) continue
      walkExpression(parsed.value, {
        expression: (expr) => read(expr, [{ alias: relation.name, relation }]),
        query: readQuery,
      })
      // The policy may consist of a single boolean column, which `read` only looks for inside AND, OR and NOT.
      read({ kind: 'and', args: [parsed.value] }, [{ alias: relation.name, relation }])
    }
    for (const oid of policy.functions) {
      const fn = facts.catalog.functions.get(oid)
      if (fn !== undefined && fn.extension === undefined) readFunction(fn)
    }
  }
  return { rows, said }
}

/** `setting IS NOT NULL`: any value of the setting satisfies it. */
function asksForAny(expr: Expr): boolean {
  return expr.kind === 'null-test' && expr.negated && expr.arg.kind !== 'column'
}

function literalOf(expr: Expr): string | undefined {
  if (expr.kind === 'cast' || expr.kind === 'collate') return literalOf(expr.arg)
  if (expr.kind === 'array') return expr.items.map(literalOf).find((text) => text !== undefined)
  if (expr.kind === 'constant') return expr.value === null ? undefined : String(expr.value)
  return constantText(expr)
}

function isClock(expr: Expr): boolean {
  if (expr.kind === 'cast') return isClock(expr.arg)
  if (expr.kind === 'call') return /^(now|clock_timestamp|statement_timestamp)$/.test(expr.name)
  return expr.kind === 'keyword' && /^(current_timestamp|current_date|localtimestamp)$/i.test(expr.name)
}

/** Boolean conditions inside AND, OR, NOT and IS TRUE, with the value that each must have. */
function conditionsOf(expr: Expr): readonly (readonly [Expr, string])[] {
  if (expr.kind === 'and' || expr.kind === 'or') return expr.args.map((arg) => [arg, 'true'] as const)
  if (expr.kind === 'not') return [[expr.arg, 'false']]
  if (expr.kind === 'boolean-test')
    return [[expr.arg, expr.test === 'IS_TRUE' || expr.test === 'IS_NOT_FALSE' ? 'true' : 'false']]
  return []
}
