import type { DatabaseFunction } from '../../catalog/model.ts'
import type { Expr, Query } from '../../sql/tree.ts'
import { walkBody, walkExpression, walkStatements } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { asksFor, asksHelperFor } from './context-guard.ts'
import { contextNames } from './context-names.ts'
import { givenNames, mentions } from './given-names.ts'

/**
 * Statements inside an IF whose condition tests an argument against the context, and which select rows by the same argument:
 * `IF EXISTS (… member = context AND org = p_org) THEN UPDATE … WHERE org = p_org`.
 */
export function guardedQueries(facts: Facts, fn: DatabaseFunction): ReadonlySet<Query> {
  const names = contextNames(facts, fn)
  const given = givenNames(facts, fn)
  const guarded = new Set<Query>()
  walkBody(facts.sql.body(fn), {
    statement: (statement) => {
      if (statement.kind !== 'if') return
      for (const { condition, body } of statement.branches) {
        const asked = condition.ok ? askedFor(facts, condition.value, names, given) : new Set<string>()
        if (asked.size === 0) continue
        walkStatements(body, {
          query: (query) => {
            const picks = [query.where, ...query.values.flat()]
            if (picks.some((expr) => expr !== undefined && mentions(expr, asked))) guarded.add(query)
          },
        })
      }
    },
  })
  return guarded
}

/** The arguments that a condition tests together with the context. For a condition with AND, the arguments that any of its parts tests. */
function askedFor(
  facts: Facts,
  condition: Expr,
  names: ReadonlySet<string>,
  given: ReadonlySet<string>,
): ReadonlySet<string> {
  if (condition.kind === 'and')
    return new Set(condition.args.flatMap((part) => [...askedFor(facts, part, names, given)]))
  const found =
    condition.kind === 'subquery' && condition.type === 'exists'
      ? asksFor(facts, condition.query, names, given)
      : asksHelperFor(facts, condition, names, given)
  const asked = new Set<string>()
  if (found)
    walkExpression(condition, {
      expression: (expr) => {
        if (expr.kind === 'column' && given.has(expr.name)) asked.add(expr.name)
      },
    })
  return asked
}
