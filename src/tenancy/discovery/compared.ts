import type { Catalog } from '../../catalog/catalog.ts'
import type { Relation } from '../../catalog/model.ts'
import type { Expr, FromItem, Query } from '../../sql/tree.ts'

/** The two sides of an equality, in both orders (also of IN, = ANY and IS NOT DISTINCT FROM). */
export function equalSides(expr: Expr): readonly (readonly [Expr, Expr])[] {
  if (expr.kind === 'operator' && expr.op === '=' && expr.left !== undefined)
    return [
      [bare(expr.left), expr.right],
      [bare(expr.right), expr.left],
    ]
  if (expr.kind === 'any' && expr.op === '=') return [[bare(expr.left), expr.array]]
  if (expr.kind === 'distinct' && expr.negated)
    return [
      [bare(expr.left), expr.right],
      [bare(expr.right), expr.left],
    ]
  if (expr.kind === 'subquery' && expr.type === 'any' && expr.op === '=' && expr.left !== undefined)
    return [[bare(expr.left), { ...expr, type: 'scalar' }]]
  return []
}

export function targetsOf(expr: Expr): readonly Extract<Expr, { kind: 'column' }>[] {
  const inner = bare(expr)
  if (inner.kind !== 'subquery') return []
  return inner.query.targets.flatMap(({ expr: target }) => (target.kind === 'column' ? [target] : []))
}

export function tablesOfQuery(expr: Expr): readonly TableItem[] {
  const inner = bare(expr)
  return inner.kind === 'subquery' ? inner.query.from.flatMap(tablesOf) : []
}

export function bare(expr: Expr): Expr {
  return expr.kind === 'cast' || expr.kind === 'collate' ? bare(expr.arg) : expr
}

/** The argument of a function with one argument, such as to_jsonb(), or else the expression itself. */
export function argumentOf(expr: Expr): Expr {
  const inner = bare(expr)
  const [only, ...others] = inner.kind === 'call' ? inner.args : []
  return only === undefined || others.length > 0 ? inner : argumentOf(only)
}

export function ownColumn(expr: Expr, relation: Relation): string | undefined {
  const inner = bare(expr)
  if (inner.kind !== 'column' || (inner.table !== undefined && inner.table !== relation.name)) return undefined
  return relation.columns.some((column) => column.name === inner.name) ? inner.name : undefined
}

type TableItem = Extract<FromItem, { kind: 'table' }>

export function tablesOf(item: FromItem): readonly TableItem[] {
  if (item.kind === 'table') return [item]
  return item.kind === 'join' ? [...tablesOf(item.left), ...tablesOf(item.right)] : []
}

export function joinConditions(item: FromItem): readonly Expr[] {
  if (item.kind !== 'join') return []
  return [...(item.on === undefined ? [] : [item.on]), ...joinConditions(item.left), ...joinConditions(item.right)]
}

export function columnAmong(expr: Extract<Expr, { kind: 'column' }>, tables: Query['from'], catalog: Catalog) {
  for (const item of tables) {
    if (item.kind !== 'table') continue
    if (expr.table !== undefined && expr.table !== (item.alias ?? item.name)) continue
    for (const table of catalog.relations.values()) {
      if (table.name !== item.name || (item.schema !== undefined && table.schema !== item.schema)) continue
      const column = table.columns.find((candidate) => candidate.name === expr.name)
      if (column !== undefined) return { table, column }
    }
  }
  return undefined
}
