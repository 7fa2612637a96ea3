import type { Body, Expr, FromItem, Parsed, PlStatement, Query } from './tree.ts'

/** Callbacks of a walk, all of them optional. A walk visits a node before the parts of that node. */
export interface Visitor {
  readonly expression?: (expr: Expr) => void
  readonly query?: (query: Query) => void
  readonly table?: (table: Extract<FromItem, { kind: 'table' }>, query: Query) => void
  readonly statement?: (statement: PlStatement) => void
  /** Text inside a body that could not be parsed. */
  readonly unreadable?: (text: string, reason: string) => void
}

/** Visits an expression and all of its parts, including subqueries. */
export function walkExpression(expr: Expr, visit: Visitor): void {
  visit.expression?.(expr)
  for (const part of childrenOf(expr)) walkExpression(part, visit)
  if (expr.kind === 'subquery') walkQuery(expr.query, visit)
}

/** The direct parts of an expression, without the query of a subquery. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'call':
    case 'and':
    case 'or':
    case 'coalesce':
      return expr.args
    case 'cast':
    case 'not':
    case 'null-test':
    case 'boolean-test':
    case 'collate':
      return [expr.arg]
    case 'operator':
      return expr.left === undefined ? [expr.right] : [expr.left, expr.right]
    case 'any':
    case 'all':
      return [expr.left, expr.array]
    case 'distinct':
    case 'nullif':
      return [expr.left, expr.right]
    case 'case':
      return [
        ...(expr.subject === undefined ? [] : [expr.subject]),
        ...expr.whens.flatMap(({ when, then }) => [when, then]),
        ...(expr.otherwise === undefined ? [] : [expr.otherwise]),
      ]
    case 'subquery':
      return expr.left === undefined ? [] : [expr.left]
    case 'array':
    case 'row':
      return expr.items
    case 'other':
      return expr.parts
    default:
      return []
  }
}

/** Visits a query and all of its parts, including subqueries. */
export function walkQuery(query: Query, visit: Visitor): void {
  visit.query?.(query)
  for (const cte of query.with) walkQuery(cte.query, visit)
  if (query.target !== undefined) visit.table?.(query.target, query)
  for (const item of query.from) walkFrom(item, query, visit)
  if (query.where !== undefined) walkExpression(query.where, visit)
  for (const target of [...query.targets, ...query.returning, ...query.assignments]) walkExpression(target.expr, visit)
  for (const row of query.values) for (const value of row) walkExpression(value, visit)
  for (const other of query.others) walkExpression(other, visit)
  if (query.source !== undefined) walkQuery(query.source, visit)
  if (query.setOperation !== undefined) {
    walkQuery(query.setOperation.left, visit)
    walkQuery(query.setOperation.right, visit)
  }
}

function walkFrom(item: FromItem, query: Query, visit: Visitor): void {
  if (item.kind === 'table') visit.table?.(item, query)
  if (item.kind === 'subquery') walkQuery(item.query, visit)
  if (item.kind === 'function') for (const call of item.calls) walkExpression(call, visit)
  if (item.kind === 'join') {
    walkFrom(item.left, query, visit)
    walkFrom(item.right, query, visit)
    if (item.on !== undefined) walkExpression(item.on, visit)
  }
}

/** Visits every statement, query and expression of a function's body. */
export function walkBody(body: Body, visit: Visitor): void {
  if (body.kind === 'unreadable') return
  if (body.kind === 'sql') {
    for (const query of body.statements) walkQuery(query, visit)
    return
  }
  for (const variable of body.variables) if (variable.default !== undefined) walkParsed(variable.default, visit)
  walkStatements(body.statements, visit)
}

export function walkStatements(statements: readonly PlStatement[], visit: Visitor): void {
  for (const statement of statements) walkStatement(statement, visit)
}

function walkStatement(statement: PlStatement, visit: Visitor): void {
  visit.statement?.(statement)
  switch (statement.kind) {
    case 'block':
      walkStatements(statement.body, visit)
      for (const handler of statement.handlers) walkStatements(handler.body, visit)
      return
    case 'if':
      for (const branch of statement.branches) {
        walkParsed(branch.condition, visit)
        walkStatements(branch.body, visit)
      }
      walkStatements(statement.otherwise, visit)
      return
    case 'sql':
    case 'return-query':
      walkParsedQuery(statement.query, visit)
      return
    case 'dynamic':
      walkParsed(statement.text, visit)
      for (const value of statement.using) walkParsed(value, visit)
      walkStatements(statement.body, visit)
      return
    case 'return':
    case 'return-next':
      if (statement.value !== undefined) walkParsed(statement.value, visit)
      return
    case 'assign':
      walkParsed(statement.value, visit)
      return
    case 'raise':
      for (const value of statement.args) walkParsed(value, visit)
      return
    case 'loop':
      if (statement.query !== undefined) walkParsedQuery(statement.query, visit)
      for (const condition of statement.conditions) walkParsed(condition, visit)
      walkStatements(statement.body, visit)
      return
    case 'other':
      for (const value of statement.expressions) walkParsed(value, visit)
      walkStatements(statement.body, visit)
  }
}

function walkParsed(parsed: Parsed<Expr>, visit: Visitor): void {
  if (parsed.ok) walkExpression(parsed.value, visit)
  else visit.unreadable?.(parsed.text, parsed.reason)
}

function walkParsedQuery(parsed: Parsed<Query>, visit: Visitor): void {
  if (parsed.ok) walkQuery(parsed.value, visit)
  else visit.unreadable?.(parsed.text, parsed.reason)
}
