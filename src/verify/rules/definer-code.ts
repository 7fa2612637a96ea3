import type { DatabaseFunction, Relation } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'
import { contextSettings } from '../context-settings.ts'
import { functionFinder, settingsIn } from '../discovery/settings.ts'
import type { Facts } from '../facts.ts'
import type { Verb } from '../finding.ts'
import type { Expr, PlStatement, Query } from '../sql/tree.ts'
import { walkBody, walkExpression } from '../sql/walk.ts'
import { ownerEscapes } from './definer-owner.ts'
import { filterReaches } from './filter-reaches.ts'
import { holdsRows } from './held-query.ts'
import { tenantSources } from './matview-exposed.ts'
import { tellsOwnMembership } from './own-membership.ts'

/** A statement of definer code on a table whose policies do not hold the code's owner. */
export interface UnheldQuery {
  readonly relation: Relation
  readonly query: Query
  readonly verb: Verb
  /** It compares the tenant column with the context, or takes the tenant from there. */
  readonly filtered: boolean
}

/** Statements of a definer function on tenant tables past their policies; the tenants table itself is no tenant's data. */
export function unheldQueries(facts: Facts, fn: DatabaseFunction): readonly UnheldQuery[] {
  const names = contextNames(facts, fn)
  const found: UnheldQuery[] = []
  walkBody(facts.sql.body(fn), {
    query: (query) => {
      for (const relation of tablesOf(facts, query)) {
        // A materialized view holds what its owner saw, and no policy ever holds it.
        const stored = relation.kind === 'materialized-view' && tenantSources(facts, relation).length > 0
        const table = facts.tenantTable(relation)
        if (!stored && (table === undefined || table.kind === 'root' || !ownerEscapes(facts, fn, relation))) continue
        const writes =
          query.target !== undefined && facts.relationNamed(query.target.schema, query.target.name) === relation
        const verb: Verb = writes && isWrite(query.kind) ? query.kind : 'select'
        if (verb === 'select' && tellsOwnMembership(facts, fn, relation, query)) continue
        found.push({ relation, query, verb, filtered: filters(facts, query, relation, names) })
      }
    },
  })
  return found
}

/** The function reads the whole table of tenants, with no condition at all. */
export function readsWholeRegistry(facts: Facts, fn: DatabaseFunction): boolean {
  const root = facts.tenancy.root?.relation
  let whole = false
  walkBody(facts.sql.body(fn), {
    query: (query) => {
      if (root === undefined || query.kind !== 'select' || query.where !== undefined || query.from.length !== 1) return
      const counts = query.targets.every(({ expr }) => expr.kind === 'call' && expr.name === 'count')
      whole ||= !counts && tablesOf(facts, query).has(root) && ownerEscapes(facts, fn, root)
    },
  })
  return whole
}

function isWrite(kind: Query['kind']): kind is 'insert' | 'update' | 'delete' {
  return kind === 'insert' || kind === 'update' || kind === 'delete'
}

function tablesOf(facts: Facts, query: Query): ReadonlySet<Relation> {
  const tables = new Set<Relation>()
  const own = new Set(query.with.map((cte) => cte.name))
  // Subqueries are visited as queries of their own.
  const add = (item: Query['from'][number]): void => {
    if (item.kind === 'join') {
      add(item.left)
      add(item.right)
    }
    if (item.kind !== 'table' || (item.schema === undefined && own.has(item.name))) return
    const relation = facts.relationNamed(item.schema, item.name)
    if (relation !== undefined) tables.add(relation)
  }
  for (const item of query.from) add(item)
  if (query.target !== undefined) add(query.target)
  return tables
}

/** True when the value comes from the tenant's context: the setting, the seal, a helper that reads it, or a variable set from it. */
export function readsContext(facts: Facts, expr: Expr, names: ReadonlySet<string> = new Set()): boolean {
  const settings = contextSettings(facts)
  let reads = settingsIn(expr, facts.sql, functionFinder(facts.catalog)).some((use) => settings.has(use.setting))
  walkExpression(expr, {
    expression: (part) => {
      if (part.kind === 'call' && part.schema === 'partywall' && part.name === 'tenant_id') reads = true
      if (part.kind === 'column' && names.has(part.name)) reads = true
    },
  })
  return reads
}

/** Variables of a body that were set from the context. */
export function contextNames(facts: Facts, fn: DatabaseFunction): ReadonlySet<string> {
  const names = new Set<string>()
  const body = facts.sql.body(fn)
  if (body.kind !== 'plpgsql') return names
  for (const variable of body.variables) {
    if (variable.default?.ok === true && readsContext(facts, variable.default.value)) names.add(variable.name)
  }
  walkBody(body, {
    statement: (statement) => {
      if (statement.kind === 'assign' && statement.value.ok && readsContext(facts, statement.value.value, names)) {
        names.add(statement.target)
      }
      if (statement.kind === 'sql' && statement.query.ok && statement.into.length > 0) {
        statement.query.value.targets.forEach((target, at) => {
          const into = statement.into[at]
          if (into !== undefined && readsContext(facts, target.expr, names)) names.add(into)
        })
      }
    },
  })
  return names
}

function filters(facts: Facts, query: Query, relation: Relation, names: ReadonlySet<string>): boolean {
  const found = holdsRows(query, (expr) => {
    const sides = comparedSides(expr)
    if (sides === undefined) return false
    const [left, right] = sides
    return (
      (namesTenantColumn(facts, left) && readsContext(facts, right, names)) ||
      (namesTenantColumn(facts, right) && readsContext(facts, left, names))
    )
  })
  if (found)
    return filterReaches(
      facts,
      query,
      relation,
      (column, other) => isTenantColumn(facts, column.name) && readsContext(facts, other, names),
    )
  if (query.kind !== 'insert') return false
  const tenant = query.assignments.findIndex((target) => isTenantColumn(facts, target.name))
  // The column's default, or the guard trigger, fills a tenant that is not named.
  if (tenant < 0) return true
  const rows = query.values.length > 0 ? query.values : [(query.source?.targets ?? []).map((target) => target.expr)]
  return rows.every((row) => row[tenant] !== undefined && readsContext(facts, row[tenant], names))
}

function comparedSides(expr: Expr): readonly [Expr, Expr] | undefined {
  if (expr.kind === 'operator' && expr.op === '=' && expr.left !== undefined) return [expr.left, expr.right]
  if (expr.kind === 'any' && expr.op === '=') return [expr.left, expr.array]
  return expr.kind === 'distinct' && expr.negated ? [expr.left, expr.right] : undefined
}

function namesTenantColumn(facts: Facts, expr: Expr): boolean {
  if (expr.kind === 'cast' || expr.kind === 'collate') return namesTenantColumn(facts, expr.arg)
  return expr.kind === 'column' && isTenantColumn(facts, expr.name)
}

function isTenantColumn(facts: Facts, name: string | undefined): boolean {
  if (name === undefined) return false
  const { context } = facts.tenancy
  // Where the setting holds a user's or session's key, comparing that key is the filter.
  if (context.kind === 'key' && name === context.keyColumn.name) return true
  return facts.tenancy.columnNames.includes(name) || facts.tenancy.root?.key.name === name
}

/** How a body compares what it was given with the context before it goes on. */
export type ContextGuard = 'strict' | 'lets NULL through' | 'none'

/**
 * `IF p_org IS DISTINCT FROM context THEN RAISE` is strict; with `<>` a missing context is NULL, and nothing is raised, unless
 * `context IS NULL` was stopped too. That alone compares nothing. Looking for a row of the context and stopping where there is
 * none (`IF NOT EXISTS`, `IF NOT FOUND`) is strict.
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
        asked = statement.query.value.kind === 'select' && asksFor(facts, statement.query.value, names, given)
      if (statement.kind !== 'if') return
      for (const { condition, body } of statement.branches) {
        if (!condition.ok || !stops(body)) continue
        // FOUND, or the variable that the row went into.
        if (asked && isAbsence(condition.value)) seen.strict = true
        else lookAt(facts, condition.value, names, given, seen)
      }
    },
  })
  if (seen.strict || (seen.lax && seen.presence)) return 'strict'
  return seen.lax ? 'lets NULL through' : 'none'
}

/** `PERFORM assert_member(p_org)`: the guard of the function that is called, for what the caller named. */
function callsGuard(facts: Facts, query: Query, given: ReadonlySet<string>, depth: number): boolean {
  if (depth > 4 || query.from.length > 0) return false
  return query.targets.some(({ expr }) => {
    if (expr.kind !== 'call' || !expr.args.some((arg) => mentions(arg, given))) return false
    const [fn, ...others] = facts.functionsNamed(expr.schema, expr.name)
    return fn !== undefined && others.length === 0 && contextGuard(facts, fn, depth + 1) === 'strict'
  })
}

/** A helper that answers true or false and never NULL: `SELECT EXISTS (…)`. */
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
        // context <> '' asks whether there is one.
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

/** A query for a row of the context that the caller named. */
function asksFor(facts: Facts, query: Query, names: ReadonlySet<string>, given: ReadonlySet<string>): boolean {
  return query.where !== undefined && mentions(query.where, given) && readsContext(facts, query.where, names)
}

function isAbsence(condition: Expr): boolean {
  if (condition.kind === 'not') return condition.arg.kind === 'column'
  return condition.kind === 'null-test' && !condition.negated && condition.arg.kind === 'column'
}

function stops(body: readonly PlStatement[]): boolean {
  return body.some(
    (statement) => (statement.kind === 'raise' && statement.level === 'exception') || statement.kind === 'return',
  )
}

/** Names of the input arguments, and of variables that were set from them. */
export function givenNames(facts: Facts, fn: DatabaseFunction): ReadonlySet<string> {
  const names = new Set(fn.arguments.filter((arg) => arg.mode !== 'out' && arg.mode !== 'table').map((arg) => arg.name))
  names.delete('')
  walkBody(facts.sql.body(fn), {
    statement: (statement) => {
      if (statement.kind === 'assign' && statement.value.ok && mentions(statement.value.value, names)) {
        names.add(statement.target)
      }
    },
  })
  return names
}

/** True when an expression uses one of the names, or a numbered parameter. */
export function mentions(expr: Expr, names: ReadonlySet<string>): boolean {
  let found = false
  walkExpression(expr, {
    expression: (part) => {
      if (part.kind === 'parameter' || (part.kind === 'column' && names.has(part.name))) found = true
    },
  })
  return found
}

/** The caller's argument picks the rows: it is compared for equality with a column. A search by a pattern picks none. */
export function picksBy(condition: Expr, names: ReadonlySet<string>): boolean {
  let found = false
  walkExpression(condition, {
    expression: (expr) => {
      const sides =
        comparedSides(expr) ?? (expr.kind === 'subquery' && expr.left !== undefined ? [expr.left, expr] : undefined)
      if (sides === undefined) return
      const [left, right] = sides
      found ||= (isColumn(left, names) && mentions(right, names)) || (isColumn(right, names) && mentions(left, names))
    },
  })
  return found
}

function isColumn(expr: Expr, names: ReadonlySet<string>): boolean {
  if (expr.kind === 'cast' || expr.kind === 'collate') return isColumn(expr.arg, names)
  return expr.kind === 'column' && !names.has(expr.name)
}

/** Definer functions that somebody in reach may call. */
export function* callableDefiners(facts: Facts): Iterable<DatabaseFunction> {
  for (const fn of facts.functions) {
    if (fn.securityDefiner && !fn.returnsTrigger && fn.returnType !== 'event_trigger' && facts.executors(fn).length > 0)
      yield fn
  }
}

/** SQL that closes a function to everybody but its owner. */
export function revokeExecute(facts: Facts, fn: DatabaseFunction): string {
  const roles = facts.executors(fn).map((role) => quoteIdentifier(role.role.name))
  return `REVOKE EXECUTE ON ${fn.kind === 'procedure' ? 'PROCEDURE' : 'FUNCTION'} ${fn.signature} FROM ${['PUBLIC', ...new Set(roles)].join(', ')};`
}
