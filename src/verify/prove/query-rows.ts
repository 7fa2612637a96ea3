import type { Relation } from '../../catalog/model.ts'
import type { Expr, FromItem, Query } from '../sql/tree.ts'
import { hasRowOfNothing, isPicked } from './aggregates.ts'
import type { QueryRow } from './branch.ts'
import { calledFunction } from './inline.ts'
import type { Resolver } from './resolve.ts'
import { definerViewer, type Instance, type Scope, type ScopeItem } from './scope.ts'

/** Reads queries as the ways in which they have a row. */
export class RowReader {
  readonly #resolver: Resolver

  constructor(resolver: Resolver) {
    this.#resolver = resolver
  }

  /**
   * The ways for a query to have a row; undefined is beyond the prover.
   *
   * @param picked the value of its one column is asked for, not whether there is a row
   */
  rows(query: Query, scope: Scope, picked = false): readonly QueryRow[] | undefined {
    if (query.kind !== 'select') return undefined
    const ctes = new Map([...scope.ctes, ...query.with.map((cte) => [cte.name, cte] as const)])
    const within: Scope = { ...scope, ctes }
    if (query.setOperation !== undefined) {
      const left = this.rows(query.setOperation.left, within, picked)
      if (query.setOperation.op !== 'union') return left
      const right = this.rows(query.setOperation.right, within, picked)
      return left === undefined || right === undefined ? undefined : [...left, ...right]
    }
    if (query.values.length > 0)
      return query.values.map((row) => ({
        conditions: [],
        instances: [],
        targets: row.map((value, at) => ({ name: `column${at + 1}`, expr: this.#resolver.resolve(value, within) })),
      }))
    if (hasRowOfNothing(query, this.#resolver.facts, picked)) return undefined
    let partial: readonly Joined[] | undefined = [{ items: [], conditions: [], instances: [] }]
    for (const item of query.from) {
      partial = this.#join(partial, item, within)
      if (partial === undefined) return undefined
    }
    return partial.flatMap((joined) => {
      const inner: Scope = { ...within, items: joined.items, variables: new Map(), outer: within }
      const where = query.where === undefined ? [] : [this.#resolver.resolve(query.where, inner)]
      return [
        {
          conditions: [...joined.conditions, ...where],
          instances: joined.instances,
          targets: query.targets.flatMap((target) => this.#target(target, inner)),
        },
      ]
    })
  }

  #target(target: Query['targets'][number], scope: Scope): QueryRow['targets'] {
    const { expr } = target
    if (expr.kind === 'column' && expr.name === '*') {
      return scope.items.flatMap((item) => {
        if (expr.table !== undefined && expr.table !== item.alias) return []
        if (item.instance === undefined) return [...item.derived].map(([name, value]) => ({ name, expr: value }))
        const { id, relation } = item.instance
        return relation.columns.map((column) => ({
          name: column.name,
          expr: { kind: 'column' as const, table: id, name: column.name },
        }))
      })
    }
    const picked = isPicked(expr) && expr.args[0] !== undefined ? expr.args[0] : expr
    const name = target.name ?? (expr.kind === 'column' || expr.kind === 'call' ? expr.name : undefined)
    return [{ name, expr: this.#resolver.resolve(picked, scope) }]
  }

  #join(before: readonly Joined[], item: FromItem, scope: Scope): readonly Joined[] | undefined {
    if (item.kind === 'join') {
      const left = this.#join(before, item.left, scope)
      const both = left === undefined ? undefined : this.#join(left, item.right, scope)
      if (both === undefined || item.type === 'full' || item.type === 'other') return undefined
      // The condition of an outer join need not hold for the row that is kept.
      if (item.type !== 'inner') return both
      return both.map((joined) => {
        const inner: Scope = { ...scope, items: joined.items, variables: new Map(), outer: scope }
        const on = item.on === undefined ? [] : [this.#resolver.resolve(item.on, inner)]
        const using = item.using.map((name): Expr => {
          const sides = joined.items
            .slice(-2)
            .map((side) => this.#resolver.resolve({ kind: 'column', table: side.alias, name }, inner))
          return { kind: 'operator', op: '=', left: sides[0], right: sides[1] ?? { kind: 'constant', value: null } }
        })
        return { ...joined, conditions: [...joined.conditions, ...on, ...using] }
      })
    }
    const sources = this.#source(item, scope, before)
    return sources === undefined
      ? undefined
      : before.flatMap((joined) =>
          sources.map((source) => ({
            items: [...joined.items, source.item],
            conditions: [...joined.conditions, ...source.conditions],
            instances: [...joined.instances, ...source.instances],
          })),
        )
  }

  #source(item: FromItem, scope: Scope, before: readonly Joined[]): readonly Source[] | undefined {
    if (item.kind === 'table') return this.#table(item, scope)
    // LATERAL and function arguments see what stands before them.
    const lateral: Scope = { ...scope, items: before[0]?.items ?? [], variables: new Map(), outer: scope }
    if (item.kind === 'subquery') return this.#derived(this.rows(item.query, lateral), item.alias ?? '', item.columns)
    if (item.kind === 'function') {
      const call = item.calls[0]
      if (call?.kind !== 'call') return undefined
      const resolved = this.#resolver.resolve(call, lateral)
      const alias = item.alias ?? call.name
      if (resolved.kind !== 'subquery')
        return [
          {
            item: { alias, derived: new Map([[item.columns?.[0] ?? alias, resolved]]) },
            conditions: [],
            instances: [],
          },
        ]
      const within = this.#resolver.scopeOf(resolved)
      const names = calledFunction(this.#resolver.facts, call)
        ?.arguments.filter((argument) => argument.mode === 'table' || argument.mode === 'out')
        .map((argument) => argument.name)
      return within === undefined
        ? undefined
        : this.#derived(this.rows(resolved.query, within), alias, item.columns ?? names)
    }
    return undefined
  }

  #table(item: Extract<FromItem, { kind: 'table' }>, scope: Scope): readonly Source[] | undefined {
    const { facts, instances } = this.#resolver
    const alias = item.alias ?? item.name
    const cte = item.schema === undefined ? scope.ctes.get(item.name) : undefined
    if (cte !== undefined) {
      const others = new Map([...scope.ctes].filter(([name]) => name !== item.name))
      const names = item.columns ?? cte.columns
      return this.#derived(this.rows(cte.query, { ...scope, ctes: others }), alias, names)
    }
    const relation = facts.relationNamed(item.schema, item.name)
    if (relation === undefined) return undefined
    if (relation.kind === 'view') {
      const parsed = facts.sql.view(relation)
      if (!parsed.ok) return undefined
      const invoker =
        relation.options.get('security_invoker') === 'true' || relation.options.get('security_invoker') === 'on'
      const viewer = invoker ? scope.viewer : definerViewer(facts, relation.owner)
      const inner: Scope = {
        ...scope,
        items: [],
        variables: new Map(),
        parameters: [],
        ctes: new Map(),
        outer: undefined,
        viewer,
      }
      return this.#derived(this.rows(parsed.value, inner), alias, renamed(relation, item.columns))
    }
    const instance = instances.add(relation, scope.viewer)
    if (item.columns !== undefined) {
      const names = renamed(relation, item.columns)
      const derived = relation.columns.map((column, at): [string, Expr] => [
        names[at] ?? column.name,
        { kind: 'column', table: instance.id, name: column.name },
      ])
      return [{ item: { alias, derived: new Map(derived) }, conditions: [], instances: [instance] }]
    }
    return [{ item: { alias, instance }, conditions: [], instances: [instance] }]
  }

  #derived(
    rows: readonly QueryRow[] | undefined,
    alias: string,
    names: readonly string[] | undefined,
  ): readonly Source[] | undefined {
    return rows?.map((row) => {
      const columns = row.targets.flatMap((target, at) => {
        const name = names?.[at] ?? target.name
        return name === undefined ? [] : [[name, target.expr] as const]
      })
      // A function that returns one column lends it its alias.
      const sole =
        row.targets.length === 1 && row.targets[0] !== undefined ? [[alias, row.targets[0].expr] as const] : []
      return {
        item: { alias, derived: new Map([...sole, ...columns]) },
        conditions: row.conditions,
        instances: row.instances,
      }
    })
  }
}

interface Joined {
  readonly items: readonly ScopeItem[]
  readonly conditions: readonly Expr[]
  readonly instances: readonly Instance[]
}

interface Source {
  readonly item: ScopeItem
  readonly conditions: readonly Expr[]
  readonly instances: readonly Instance[]
}

/** A relation's columns under the names that its alias gives the first of them. */
function renamed(relation: Relation, names: readonly string[] | undefined): readonly string[] {
  return relation.columns.map((column, at) => names?.[at] ?? column.name)
}
