import type { Catalog } from '../../catalog/catalog.ts'
import type { Column, Relation } from '../../catalog/model.ts'
import type { SqlReader } from '../../sql/reader.ts'
import type { Expr } from '../../sql/tree.ts'
import { walkExpression } from '../../sql/walk.ts'
import { sampleLike, samplePattern } from './sample-pattern.ts'

/**
 * Values for a column that should satisfy the CHECKs of its table or domain:
 * - the constants of `status = ANY (ARRAY['open', 'done'])`;
 * - a text that matches `code ~ '^[A-Z]{3}$'` or `url LIKE 'https://%'`;
 * - the bounds of `n BETWEEN 1 AND 12`;
 * - a JSON object with the keys of `meta ? 'kind'`.
 */
export function valuesInChecks(
  catalog: Catalog,
  sql: SqlReader,
  relation: Relation,
  column: Column,
  salt: number,
): readonly string[] {
  const domain = catalog.types.get(column.typeOid)
  const named: string[] = []
  const bounds: string[] = []
  const keys: string[] = []
  const collect = (text: string, name: string) => {
    const parsed = sql.expression(text)
    if (!parsed.ok) return
    walkExpression(parsed.value, {
      expression: (expr) => {
        const sides = sidesOf(expr)
        if (sides === undefined || !names(sides.left, name)) return
        const constants = constantsIn(sides.right)
        if (sides.op === '=') named.push(...constants)
        else if (sides.op === '~' || sides.op === '~*')
          named.push(...constants.flatMap((pattern) => samplePattern(pattern, salt) ?? []))
        else if (sides.op === '~~' || sides.op === '~~*')
          named.push(...constants.map((pattern) => sampleLike(pattern, salt)))
        else if (sides.op === '>=' || sides.op === '<=') bounds.push(...constants)
        else if (sides.op === '?' || sides.op === '?&') keys.push(...constants)
      },
    })
  }
  for (const constraint of relation.constraints) {
    if (constraint.kind === 'check' && constraint.columns.includes(column.number))
      collect(constraint.expression ?? '', column.name)
  }
  for (const check of domain?.checks ?? []) collect(check, 'value')
  if (keys.length > 0) named.push(JSON.stringify(Object.fromEntries(keys.map((key) => [key, `x${salt}`]))))
  return [...named, ...bounds]
}

function sidesOf(expr: Expr): { readonly op: string; readonly left: Expr; readonly right: Expr } | undefined {
  if (expr.kind === 'any') return { op: expr.op, left: expr.left, right: expr.array }
  if (expr.kind === 'operator' && expr.left !== undefined) return { op: expr.op, left: expr.left, right: expr.right }
  return undefined
}

function names(expr: Expr, name: string): boolean {
  if (expr.kind === 'cast') return names(expr.arg, name)
  return expr.kind === 'column' && expr.name.toLowerCase() === name.toLowerCase()
}

function constantsIn(expr: Expr): readonly string[] {
  if (expr.kind === 'constant') return expr.value === null ? [] : [String(expr.value)]
  if (expr.kind === 'cast') return constantsIn(expr.arg)
  return expr.kind === 'array' ? expr.items.flatMap(constantsIn) : []
}
