import type { DatabaseFunction, Relation } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'
import type { Verb } from '../../catalog/verbs.ts'
import type { Expr, Query } from '../../sql/tree.ts'
import { walkBody } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { tenantSources } from '../rules/matview-exposed.ts'
import { contextNames, readsContext } from './context-names.ts'
import { ownerEscapes } from './definer-owner.ts'
import { filterReaches } from './filter-reaches.ts'
import { comparedSides } from './given-names.ts'
import { guardedQueries } from './guarded-branches.ts'
import { holdsRows } from './held-query.ts'
import { tellsOwnMembership } from './own-membership.ts'

/** A statement of a SECURITY DEFINER function on a table whose policies do not apply to the function's owner. */
interface UnheldQuery {
  readonly relation: Relation
  readonly query: Query
  readonly verb: Verb
  /** The statement compares the tenant column with the context, or inserts the context's tenant. */
  readonly filtered: boolean
}

/** Statements of a SECURITY DEFINER function that use tenant tables without their policies. The table of tenants is left out. */
export function unheldQueries(facts: Facts, fn: DatabaseFunction): readonly UnheldQuery[] {
  const names = contextNames(facts, fn)
  const guarded = guardedQueries(facts, fn)
  const found: UnheldQuery[] = []
  walkBody(facts.sql.body(fn), {
    query: (query) => {
      for (const relation of tablesOf(facts, query)) {
        // A materialized view stores the rows that its owner saw at the last REFRESH, and it can have no policies.
        const stored = relation.kind === 'materialized-view' && tenantSources(facts, relation).length > 0
        const table = facts.tenantTable(relation)
        const writes =
          query.target !== undefined && facts.relationNamed(query.target.schema, query.target.name) === relation
        const verb: Verb = writes && isWrite(query.kind) ? query.kind : 'select'
        if (!stored && (table === undefined || table.kind === 'root' || !ownerEscapes(facts, fn, relation, verb)))
          continue
        if (verb === 'select' && tellsOwnMembership(facts, fn, relation, query)) continue
        found.push({ relation, query, verb, filtered: guarded.has(query) || filters(facts, query, relation, names) })
      }
    },
  })
  return found
}

/** Whether the function reads the table of tenants without any condition. */
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

/** The relations that a query itself names, without those of its subqueries. */
export function tablesOf(facts: Facts, query: Query): ReadonlySet<Relation> {
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
  // If the INSERT does not name the tenant column, the column's default or a trigger sets it.
  if (tenant < 0) return true
  const rows = query.values.length > 0 ? query.values : [(query.source?.targets ?? []).map((target) => target.expr)]
  return rows.every((row) => row[tenant] !== undefined && readsContext(facts, row[tenant], names))
}

function namesTenantColumn(facts: Facts, expr: Expr): boolean {
  if (expr.kind === 'cast' || expr.kind === 'collate') return namesTenantColumn(facts, expr.arg)
  return expr.kind === 'column' && isTenantColumn(facts, expr.name)
}

function isTenantColumn(facts: Facts, name: string | undefined): boolean {
  if (name === undefined) return false
  const { context } = facts.tenancy
  // If the setting holds the key of a user or session, a comparison with that key is the filter.
  if (context.kind === 'key' && name === context.keyColumn.name) return true
  return facts.tenancy.columnNames.includes(name) || facts.tenancy.root?.key.name === name
}

/** SECURITY DEFINER functions that a role in reach (docs/glossary.md) may call. */
export function* callableDefiners(facts: Facts): Iterable<DatabaseFunction> {
  for (const fn of facts.functions) {
    if (fn.securityDefiner && !fn.returnsTrigger && fn.returnType !== 'event_trigger' && facts.executors(fn).length > 0)
      yield fn
  }
}

/** SQL that revokes EXECUTE on a function from PUBLIC and from the roles of the application. */
export function revokeExecute(facts: Facts, fn: DatabaseFunction): string {
  const roles = facts.executors(fn).map((role) => quoteIdentifier(role.role.name))
  return `REVOKE EXECUTE ON ${fn.kind === 'procedure' ? 'PROCEDURE' : 'FUNCTION'} ${fn.signature} FROM ${['PUBLIC', ...new Set(roles)].join(', ')};`
}
