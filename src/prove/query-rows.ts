import type { Expr, Query } from '../sql/tree.ts'
import { countAggregates, hasRowOfNothing, isGathered, isPicked } from './aggregates.ts'
import { BeyondProver } from './beyond.ts'
import type { QueryRow } from './branch.ts'
import { type Joined, Sources } from './from-items.ts'
import type { Resolver } from './resolve.ts'
import type { Scope, ScopedCte } from './scope.ts'

/**
 * The question of the caller about a query:
 * - `rows`: whether the query has a row, and the columns of that row;
 * - `value`: the value of the query's single column;
 * - `elements`: the elements of the array that the query builds with array_agg.
 */
export type Asked = 'rows' | 'value' | 'elements'

/** Maximum number of queries that are read for one proof. */
const MAX_QUERIES = 2000

/** Reads a query as the list of ways in which it can have a row. */
export class RowReader {
  readonly #resolver: Resolver
  readonly #sources: Sources
  #read = 0

  constructor(resolver: Resolver) {
    this.#resolver = resolver
    this.#sources = new Sources(resolver, (query, scope) => this.rows(query, scope, 'rows'))
  }

  /** The ways for a query to have a row. Undefined if the prover can't read it. */
  rows(query: Query, scope: Scope, asked: Asked): readonly QueryRow[] | undefined {
    this.#read += 1
    if (this.#read > MAX_QUERIES) throw new BeyondProver('the predicate contains too many queries')
    // A CTE that writes could change the rows by which the policy decides about the next row.
    if (query.kind !== 'select' || query.with.some((cte) => cte.query.kind !== 'select')) return undefined
    const within = withCtes(query, scope)
    if (query.setOperation !== undefined) {
      const left = this.rows(query.setOperation.left, within, asked)
      if (query.setOperation.op !== 'union') return left
      const right = this.rows(query.setOperation.right, within, asked)
      return left === undefined || right === undefined ? undefined : [...left, ...right]
    }
    if (query.values.length > 0)
      return query.values.map((row) => ({
        conditions: [],
        instances: [],
        targets: row.map((value, at) => ({ name: `column${at + 1}`, expr: this.#resolver.resolve(value, within) })),
      }))
    const { facts } = this.#resolver
    if (hasRowOfNothing(query, facts, asked !== 'rows')) return undefined
    // Only array_agg builds an array whose elements are known.
    if (asked === 'elements' && !query.targets.every((target) => isGathered(target.expr, facts))) return undefined
    const joins = this.#sources.of(query.from, within)
    if (joins === undefined) return undefined
    const sole = countAggregates(query, facts) === 1
    const rows: QueryRow[] = []
    for (const joined of joins) {
      const inner: Scope = { ...within, items: joined.items, variables: new Map(), outer: within }
      const where = query.where === undefined ? [] : [this.#resolver.resolve(query.where, inner)]
      const targets: QueryRow['targets'][number][] = []
      for (const target of query.targets) {
        const read = this.#target(target, joined, inner, sole, asked)
        if (read === undefined) return undefined
        targets.push(...read)
      }
      rows.push({ conditions: [...joined.conditions, ...where], instances: joined.instances, targets })
    }
    return rows
  }

  #target(
    target: Query['targets'][number],
    joined: Joined,
    scope: Scope,
    sole: boolean,
    asked: Asked,
  ): QueryRow['targets'] | undefined {
    const { expr } = target
    const { facts } = this.#resolver
    if (expr.kind === 'column' && expr.name === '*') return starOf(expr.table, joined)
    const name = target.name ?? (expr.kind === 'column' || expr.kind === 'call' ? expr.name : undefined)
    const picks = sole && (asked === 'elements' ? isGathered(expr, facts) : isPicked(expr, facts))
    const value = picks && expr.kind === 'call' ? (expr.args[0] ?? expr) : expr
    return [{ name, expr: this.#resolver.resolve(value, scope) }]
  }
}

/** The columns of `*`, in the order of the tables. Undefined after USING, which moves the merged columns to the front. */
function starOf(table: string | undefined, joined: Joined): QueryRow['targets'] | undefined {
  if (joined.merged || joined.items.some((item) => item.instance === undefined && item.open === true)) return undefined
  return joined.items.flatMap((item) => {
    if (table !== undefined && table !== item.alias) return []
    if (item.instance === undefined) return [...item.derived].map(([name, value]) => ({ name, expr: value }))
    const { id, relation } = item.instance
    return relation.columns.map((column) => ({
      name: column.name,
      expr: { kind: 'column', table: id, name: column.name } satisfies Expr,
    }))
  })
}

/** Adds the queries of a WITH list to the scope. Each query can refer to the queries before it in the list. */
function withCtes(query: Query, scope: Scope): Scope {
  let within = scope
  for (const cte of query.with) {
    const entry: ScopedCte = { cte, scope: within, recursive: query.recursive }
    within = { ...within, ctes: new Map([...within.ctes, [cte.name, entry]]) }
  }
  return within
}
