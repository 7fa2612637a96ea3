import type { DatabaseFunction, Oid, Relation } from '../catalog/model.ts'
import type { Expr } from '../sql/tree.ts'
import { type Visitor, walkBody, walkExpression, walkQuery } from '../sql/walk.ts'
import type { Facts } from '../tenancy/facts.ts'
import { isGenuineContext } from './genuine.ts'

/**
 * Whether an expression, or a function or view that it uses, may change a setting or a row. Code that can't be read is assumed to change
 * something. PostgreSQL evaluates a policy once per row, so a change that is made for one row could decide about the next row.
 */
export function hasEffects(expr: Expr, facts: Facts): boolean {
  let found = false
  const functions = new Set<Oid>()
  const relations = new Set<Oid>()
  const relation = (read: Relation) => {
    if (relations.has(read.oid)) return
    relations.add(read.oid)
    const view = read.kind === 'view' ? facts.sql.view(read) : undefined
    if (view?.ok === true) walkQuery(view.value, visit)
    for (const { using } of read.policies) {
      const parsed = using === undefined ? undefined : facts.sql.expression(using)
      if (parsed?.ok === true) walkExpression(parsed.value, visit)
    }
  }
  const call = (fn: DatabaseFunction) => {
    if (functions.has(fn.oid) || fn.extension !== undefined || isGenuineContext(fn, facts)) return
    functions.add(fn.oid)
    const body = facts.sql.body(fn)
    if (body.kind === 'unreadable') found ||= fn.volatility === 'volatile' && fn.kind === 'function'
    walkBody(body, visit)
  }
  const visit: Visitor = {
    expression: (part) => {
      if (part.kind === 'operator' && part.schema !== undefined)
        found ||= facts.catalog.ownOperators.has(`${part.schema}.${part.op}`)
      if (part.kind !== 'call') return
      if (part.name === 'set_config') found = true
      for (const fn of facts.functionsNamed(part.schema, part.name)) call(fn)
    },
    query: (query) => {
      if (query.kind !== 'select') found = true
    },
    table: (item) => {
      const read = facts.relationNamed(item.schema, item.name)
      if (read !== undefined) relation(read)
    },
    statement: (statement) => {
      if (statement.kind === 'dynamic') found = true
    },
    unreadable: () => {
      found = true
    },
  }
  walkExpression(expr, visit)
  return found
}
