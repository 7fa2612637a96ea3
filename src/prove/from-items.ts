import type { Relation } from '../catalog/model.ts'
import type { Expr, FromItem, Query } from '../sql/tree.ts'
import type { QueryRow } from './branch.ts'
import { calledFunction } from './called-function.ts'
import { columnsOfResult } from './function-columns.ts'
import { relationMeant } from './names-meant.ts'
import type { Resolver } from './resolve.ts'
import { definerViewer, type Instance, resolveColumn, type Scope, type ScopeItem } from './scope.ts'

/** One way for the FROM list to have a row. */
export interface Joined {
  readonly items: readonly ScopeItem[]
  readonly conditions: readonly Expr[]
  readonly instances: readonly Instance[]
  /** Whether JOIN … USING has merged columns. `*` lists merged columns first. */
  readonly merged: boolean
}

type RowsOf = (query: Query, scope: Scope) => readonly QueryRow[] | undefined

const NOTHING: Joined = { items: [], conditions: [], instances: [], merged: false }

/** Reads FROM lists. */
export class Sources {
  readonly #resolver: Resolver
  readonly #rowsOf: RowsOf

  constructor(resolver: Resolver, rowsOf: RowsOf) {
    this.#resolver = resolver
    this.#rowsOf = rowsOf
  }

  /** The ways for the FROM list to have a row. Undefined if the prover can't read it. */
  of(from: readonly FromItem[], scope: Scope): readonly Joined[] | undefined {
    let ways: readonly Joined[] = [NOTHING]
    for (const item of from) {
      const next: Joined[] = []
      for (const way of ways) {
        const added = this.#item(item, scope, way.items)
        if (added === undefined) return undefined
        next.push(...added.map((one) => together(way, one)))
      }
      ways = next
    }
    return ways
  }

  /** @param before the items to the left, which LATERAL may refer to */
  #item(item: FromItem, scope: Scope, before: readonly ScopeItem[]): readonly Joined[] | undefined {
    const beside: Scope = { ...scope, items: before, variables: new Map(), outer: scope }
    switch (item.kind) {
      case 'join':
        return this.#join(item, scope, before)
      case 'table':
        return this.#table(item, scope)
      case 'subquery':
        return this.#derived(
          this.#rowsOf(item.query, item.lateral === true ? beside : scope),
          item.alias ?? '',
          item.columns,
        )
      case 'function':
        return this.#function(item, beside)
      default:
        return undefined
    }
  }

  #join(
    item: Extract<FromItem, { kind: 'join' }>,
    scope: Scope,
    before: readonly ScopeItem[],
  ): readonly Joined[] | undefined {
    if (item.type === 'full' || item.type === 'other') return undefined
    const ways: Joined[] = []
    for (const left of this.#item(item.left, scope, before) ?? [undefined]) {
      if (left === undefined) return undefined
      for (const right of this.#item(item.right, scope, [...before, ...left.items]) ?? [undefined]) {
        if (right === undefined) return undefined
        const both = { ...together(left, right), merged: left.merged || right.merged || item.using.length > 0 }
        if (item.type === 'inner') {
          ways.push({ ...both, conditions: [...both.conditions, ...this.#on(item, scope, left, right)] })
          continue
        }
        // Outer join: this side may be all NULL, so nothing proved about its rows may be used.
        if (!isBare(item.type === 'left' ? right : left) || (item.type === 'right' && item.using.length > 0))
          return undefined
        ways.push(both)
      }
    }
    return ways
  }

  /** The conditions of an inner join, from ON or USING. ON can refer to the tables of the join, not to others in the FROM list. */
  #on(item: Extract<FromItem, { kind: 'join' }>, scope: Scope, left: Joined, right: Joined): readonly Expr[] {
    const seeing = (items: readonly ScopeItem[]): Scope => ({ ...scope, items, variables: new Map(), outer: scope })
    const on = item.on === undefined ? [] : [this.#resolver.resolve(item.on, seeing([...left.items, ...right.items]))]
    if (this.#resolver.mayMeanOwn('=')) return on
    const using = item.using.map((name): Expr => {
      const [one, other] = [left, right].map((side) =>
        resolveColumn({ kind: 'column', table: undefined, name }, { ...seeing(side.items), outer: undefined }),
      )
      return { kind: 'operator', op: '=', left: one, right: other ?? { kind: 'constant', value: null } }
    })
    return [...on, ...using]
  }

  #table(item: Extract<FromItem, { kind: 'table' }>, scope: Scope): readonly Joined[] | undefined {
    const { facts, instances } = this.#resolver
    const alias = item.alias ?? item.name
    const entry = item.schema === undefined ? scope.ctes.get(item.name) : undefined
    if (entry !== undefined) {
      if (entry.recursive) return undefined
      return this.#derived(this.#rowsOf(entry.cte.query, entry.scope), alias, [
        ...(item.columns ?? []),
        ...(entry.cte.columns ?? []).slice(item.columns?.length ?? 0),
      ])
    }
    const relation = relationMeant(facts, item, scope.path)
    if (relation === undefined) return undefined
    if (relation.kind === 'view') return this.#view(relation, item, scope)
    const instance = instances.add(relation, scope.viewer)
    if (item.columns === undefined) return [{ ...NOTHING, items: [{ alias, instance }], instances: [instance] }]
    const names = renamed(relation, item.columns)
    const derived = relation.columns.map((column, at): [string, Expr] => [
      names[at] ?? column.name,
      { kind: 'column', table: instance.id, name: column.name },
    ])
    return [{ ...NOTHING, items: [{ alias, derived: new Map(derived) }], instances: [instance] }]
  }

  #view(relation: Relation, item: Extract<FromItem, { kind: 'table' }>, scope: Scope): readonly Joined[] | undefined {
    const { facts } = this.#resolver
    const parsed = facts.sql.view(relation)
    if (!parsed.ok) return undefined
    const inner: Scope = {
      ...scope,
      items: [],
      variables: new Map(),
      parameters: [],
      ctes: new Map(),
      outer: undefined,
      viewer: isInvokers(relation) ? scope.viewer : definerViewer(facts, relation.owner),
      path: undefined,
    }
    return this.#derived(this.#rowsOf(parsed.value, inner), item.alias ?? item.name, renamed(relation, item.columns))
  }

  #function(item: Extract<FromItem, { kind: 'function' }>, scope: Scope): readonly Joined[] | undefined {
    const { facts, instances } = this.#resolver
    const call = item.calls[0]
    if (call?.kind !== 'call') return undefined
    const alias = item.alias ?? call.name
    const open = (derived: readonly (readonly [string, Expr])[]): readonly Joined[] => [
      { ...NOTHING, items: [{ alias, derived: new Map(derived), open: true }] },
    ]
    if (item.reshaped === true) return open([])
    const resolved = this.#resolver.resolve(call, scope)
    const fn = calledFunction(facts, call, scope.path)
    const own = item.columns?.[0] ?? alias
    if (fn === undefined) return open([[own, instances.value(own)]])
    const names = columnsOfResult(facts, fn, own)
    if (names === undefined || resolved.kind === 'call' || resolved.kind === 'other') return open([])
    if (resolved.kind === 'subquery' && resolved.type === 'scalar') {
      const within = this.#resolver.scopeOf(resolved)
      const rows = within === undefined ? undefined : this.#rowsOf(resolved.query, within)
      if (rows?.some((row) => row.targets.length !== names.length)) return undefined
      return this.#derived(rows, alias, [...(item.columns ?? []), ...names.slice(item.columns?.length ?? 0)])
    }
    return names.length === 1 ? [{ ...NOTHING, items: [{ alias, derived: new Map([[own, resolved]]) }] }] : open([])
  }

  #derived(
    rows: readonly QueryRow[] | undefined,
    alias: string,
    names: readonly string[] | undefined,
  ): readonly Joined[] | undefined {
    return rows?.map((row) => {
      const columns = row.targets.flatMap((target, at) => {
        const name = names?.[at] ?? target.name
        return name === undefined ? [] : [[name, target.expr] as const]
      })
      return {
        items: [{ alias, derived: new Map(columns) }],
        conditions: row.conditions,
        instances: row.instances,
        merged: false,
      }
    })
  }
}

function together(one: Joined, other: Joined): Joined {
  return {
    items: [...one.items, ...other.items],
    conditions: [...one.conditions, ...other.conditions],
    instances: [...one.instances, ...other.instances],
    merged: one.merged || other.merged,
  }
}

/**
 * Whether the side consists of tables only. The prover always treats a column of a table as nullable. But it reads a column of a subquery
 * as the expression behind the column, although an outer join may make the column NULL.
 */
function isBare({ items, conditions }: Joined): boolean {
  return conditions.length === 0 && items.every((item) => item.instance !== undefined)
}

/** Whether a view has security_invoker. PostgreSQL stores the option as it was written, so all spellings of true are accepted. */
function isInvokers(relation: Relation): boolean {
  return /^(true|on|yes|1|t|y|tru|tr|ye)$/i.test(relation.options.get('security_invoker') ?? '')
}

/** Column names of a relation with an alias such as `t (a, b)`, which renames the first columns. */
function renamed(relation: Relation, names: readonly string[] | undefined): readonly string[] {
  return relation.columns.map((column, at) => names?.[at] ?? column.name)
}
