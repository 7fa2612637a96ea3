import type { DatabaseFunction } from '../../catalog/model.ts'
import type { Expr, PlStatement, Query } from '../../sql/tree.ts'
import { walkBody, walkExpression } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { contextNames, readsContext } from './context-names.ts'
import { givenNames, mentions } from './given-names.ts'

/** Whether a function checks its arguments against the session's tenant before it continues. */
type ContextGuard = 'strict' | 'lets NULL through' | 'none'

/**
 * Whether a function checks its arguments against the context.
 *
 * - Strict: `IF p_org IS DISTINCT FROM context THEN RAISE`.
 * - Strict: a query for a row of the context, and RAISE or RETURN if there is none (`IF NOT EXISTS`, `IF NOT FOUND`).
 * - Lets NULL through: `IF p_org <> context THEN RAISE`. Without a context the comparison is NULL, and nothing is raised. Together with
 *   `IF context IS NULL THEN RAISE` it is strict.
 * - None: `context IS NULL` alone, because it compares no argument.
 */
export function contextGuard(facts: Facts, fn: DatabaseFunction, depth = 0): ContextGuard {
  const names = contextNames(facts, fn)
  const given = givenNames(facts, fn)
  const seen = { strict: false, lax: false, presence: false }
  let asked = false
  walkBody(facts.sql.body(fn), {
    statement: (statement) => {
      if (statement.kind === 'sql' && statement.query.ok && callsGuard(facts, statement.query.value, given, depth))
        seen.strict = true
      if (statement.kind === 'sql' && statement.query.ok)
        asked =
          statement.query.value.kind === 'select' &&
          (asksFor(facts, statement.query.value, names, given) ||
            asksHelper(facts, statement.query.value, names, given))
      if (statement.kind === 'assign' && statement.value.ok && callsGuardIn(facts, statement.value.value, given, depth))
        seen.strict = true
      if (statement.kind !== 'if') return
      const [first] = statement.branches
      // The first condition is always evaluated, so a function that it calls and that raises an exception is a guard.
      if (first?.condition.ok === true && callsGuardIn(facts, first.condition.value, given, depth)) seen.strict = true
      for (const { condition, body } of statement.branches) {
        if (!condition.ok || !stops(body)) continue
        // The condition is `NOT FOUND`, or `IS NULL` on the variable into which the row was selected.
        if (asked && isAbsence(condition.value)) seen.strict = true
        else lookAt(facts, condition.value, names, given, seen)
      }
    },
  })
  if (seen.strict || (seen.lax && seen.presence)) return 'strict'
  return seen.lax ? 'lets NULL through' : 'none'
}

/** `PERFORM assert_member(p_org)`: whether the called function is a strict guard for an argument. */
function callsGuard(facts: Facts, query: Query, given: ReadonlySet<string>, depth: number): boolean {
  if (depth > 4 || query.from.length > 0) return false
  return query.targets.some(({ expr }) => callsGuardIn(facts, expr, given, depth))
}

/** Whether an expression contains a call of a strict guard at a place that is always evaluated: not inside AND, OR or CASE. */
function callsGuardIn(facts: Facts, expr: Expr, given: ReadonlySet<string>, depth: number): boolean {
  switch (expr.kind) {
    case 'call': {
      if (!expr.args.some((arg) => mentions(arg, given))) return false
      const [fn, ...others] = facts.functionsNamed(expr.schema, expr.name)
      return fn !== undefined && others.length === 0 && contextGuard(facts, fn, depth + 1) === 'strict'
    }
    case 'operator':
      return [expr.left, expr.right].some((side) => side !== undefined && callsGuardIn(facts, side, given, depth))
    case 'cast':
    case 'collate':
    case 'not':
    case 'null-test':
      return callsGuardIn(facts, expr.arg, given, depth)
    case 'subquery':
      return expr.type === 'scalar' && callsGuard(facts, expr.query, given, depth)
    default:
      return false
  }
}

/** `SELECT is_member(p_org) INTO ok`: calls a helper that never returns NULL, with an argument of the caller. */
function asksHelper(facts: Facts, query: Query, names: ReadonlySet<string>, given: ReadonlySet<string>): boolean {
  return (
    query.from.length === 0 &&
    query.targets.length === 1 &&
    query.targets.every(({ expr }) => asksHelperFor(facts, expr, names, given))
  )
}

/** `is_member(p_org)`: a helper that never returns NULL and reads the context, with an argument of the caller. */
export function asksHelperFor(
  facts: Facts,
  expr: Expr,
  names: ReadonlySet<string>,
  given: ReadonlySet<string>,
): boolean {
  return isNeverNullCall(facts, expr) && mentions(expr, given) && readsContext(facts, expr, names)
}

/** A call of a helper that returns true or false and never NULL: its body is `SELECT EXISTS (…)` or COALESCE with a constant. */
function isNeverNullCall(facts: Facts, expr: Expr): boolean {
  if (expr.kind !== 'call') return false
  const [fn, ...others] = facts.functionsNamed(expr.schema, expr.name)
  if (fn === undefined || others.length > 0) return false
  const body = facts.sql.body(fn)
  const only = body.kind === 'sql' && body.statements.length === 1 ? body.statements[0]?.targets[0]?.expr : undefined
  if (only?.kind === 'subquery') return only.type === 'exists'
  return only?.kind === 'coalesce' && only.args.at(-1)?.kind === 'constant'
}

interface GuardsSeen {
  strict: boolean
  lax: boolean
  presence: boolean
}

function lookAt(
  facts: Facts,
  condition: Expr,
  names: ReadonlySet<string>,
  given: ReadonlySet<string>,
  seen: GuardsSeen,
): void {
  if (!readsContext(facts, condition, names)) return
  walkExpression(condition, {
    expression: (expr) => {
      if (expr.kind === 'distinct' && !expr.negated) seen.strict = true
      if (expr.kind === 'null-test' && !expr.negated && readsContext(facts, expr.arg, names)) seen.presence = true
      if (expr.kind === 'operator' && (expr.op === '<>' || expr.op === '!=')) {
        const sides = [expr.left, expr.right].flatMap((side) => side ?? [])
        // `context <> ''` only tests that some tenant is set.
        if (sides.some((side) => side.kind === 'constant')) return
        seen.lax = true
      }
      if (expr.kind === 'not' && expr.arg.kind === 'subquery' && expr.arg.type === 'exists')
        seen.strict ||= asksFor(facts, expr.arg.query, names, given)
      else if (expr.kind === 'not' && isNeverNullCall(facts, expr.arg))
        seen.strict ||= mentions(expr.arg, given) && readsContext(facts, expr.arg, names)
      else if (expr.kind === 'not') seen.lax ||= readsContext(facts, expr.arg, names)
    },
  })
}

/** Whether a query's WHERE tests both the context and an argument of the caller. */
export function asksFor(facts: Facts, query: Query, names: ReadonlySet<string>, given: ReadonlySet<string>): boolean {
  return query.where !== undefined && mentions(query.where, given) && readsContext(facts, query.where, names)
}

function isAbsence(condition: Expr): boolean {
  if (condition.kind === 'not') return condition.arg.kind === 'column'
  return condition.kind === 'null-test' && !condition.negated && isPartOfRow(condition.arg)
}

/** A variable, or a key of a variable that holds JSON. */
function isPartOfRow(expr: Expr): boolean {
  if (expr.kind === 'cast') return isPartOfRow(expr.arg)
  if (expr.kind === 'operator' && (expr.op === '->>' || expr.op === '->'))
    return expr.left !== undefined && isPartOfRow(expr.left)
  return expr.kind === 'column'
}

function stops(body: readonly PlStatement[]): boolean {
  return body.some(
    (statement) => (statement.kind === 'raise' && statement.level === 'exception') || statement.kind === 'return',
  )
}
