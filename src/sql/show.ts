import type { Expr, Query } from './tree.ts'

/** SQL-like text of an expression, for messages, cut at `limit` characters. */
export function showExpression(expr: Expr, limit = 160): string {
  const text = show(expr)
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`
}

function show(expr: Expr): string {
  switch (expr.kind) {
    case 'column':
      return expr.table === undefined || expr.table.startsWith('#') ? expr.name : `${expr.table}.${expr.name}`
    case 'parameter':
      return `$${expr.number}`
    case 'constant':
      return typeof expr.value === 'string' ? `'${expr.value}'` : String(expr.value)
    case 'call':
      return `${expr.schema === undefined || expr.schema === 'pg_catalog' ? '' : `${expr.schema}.`}${expr.name}(${expr.args.map(show).join(', ')})`
    case 'cast':
      return `${show(expr.arg)}::${expr.type}`
    case 'operator':
      return `${expr.left === undefined ? '' : `${operand(expr.left)} `}${expr.op} ${operand(expr.right)}`
    case 'any':
    case 'all':
      return `${operand(expr.left)} ${expr.op} ${expr.kind} (${show(expr.array)})`
    case 'and':
    case 'or':
      return expr.args.map(operand).join(` ${expr.kind} `)
    case 'not':
      return `not ${operand(expr.arg)}`
    case 'null-test':
      return `${operand(expr.arg)} is ${expr.negated ? 'not ' : ''}null`
    case 'boolean-test':
      return `${operand(expr.arg)} ${expr.test.toLowerCase().replaceAll('_', ' ')}`
    case 'distinct':
      return `${operand(expr.left)} is ${expr.negated ? 'not ' : ''}distinct from ${operand(expr.right)}`
    case 'nullif':
      return `nullif(${show(expr.left)}, ${show(expr.right)})`
    case 'coalesce':
      return `coalesce(${expr.args.map(show).join(', ')})`
    case 'case':
      return `case ${expr.whens.map(({ when, then }) => `when ${show(when)} then ${show(then)}`).join(' ')}${expr.otherwise === undefined ? '' : ` else ${show(expr.otherwise)}`} end`
    case 'subquery':
      return `${expr.type === 'exists' ? 'exists ' : ''}${expr.left === undefined ? '' : `${operand(expr.left)} in `}(${showQuery(expr.query)})`
    case 'array':
    case 'row':
      return `${expr.kind} (${expr.items.map(show).join(', ')})`
    case 'keyword':
      return expr.name
    case 'collate':
      return `${operand(expr.arg)} collate ${expr.collation}`
    case 'other':
      return expr.node === '' ? '…' : `${expr.node}(…)`
  }
}

function operand(expr: Expr): string {
  return expr.kind === 'and' || expr.kind === 'or' ? `(${show(expr)})` : show(expr)
}

function showQuery(query: Query): string {
  const from = query.from.map((item) => (item.kind === 'table' ? item.name : '…')).join(', ')
  const targets = query.targets.map((target) => show(target.expr)).join(', ')
  return `select ${targets}${from === '' ? '' : ` from ${from}`}${query.where === undefined ? '' : ` where ${show(query.where)}`}`
}
