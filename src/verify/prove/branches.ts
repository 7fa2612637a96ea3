import type { Relation } from '../../catalog/model.ts'
import type { Expr, FromItem, Query } from '../sql/tree.ts'
import { hasRowOfNothing, isCount, isPicked } from './aggregates.ts'
import { constantEquality, truthOf } from './constants.ts'
import { calledFunction } from './inline.ts'
import type { Resolver } from './resolve.ts'
import { expandSides, negate, peel, sameExpression } from './rewrite.ts'
import { definerViewer, type Instance, type Scope, type ScopeItem } from './scope.ts'
import { termOf } from './terms.ts'

/** One way for a predicate to be true: all atoms hold, for some rows of the instances. */
export interface Branch {
  readonly atoms: readonly Expr[]
  readonly instances: readonly Instance[]
}

/** One way for a query to have a row: its conditions, and what its targets are then. */
export interface QueryRow {
  readonly conditions: readonly Expr[]
  readonly instances: readonly Instance[]
  readonly targets: readonly { readonly name: string | undefined; readonly expr: Expr }[]
}

/** More branches than this are beyond the prover. */
const MAX_BRANCHES = 96

export class TooManyBranches extends Error {}

const NONE: readonly Branch[] = []
const ALWAYS: readonly Branch[] = [{ atoms: [], instances: [] }]

/** Brings resolved predicates into branches: a disjunction of conjunctions that is true only where the predicate is. */
export class Brancher {
  readonly #resolver: Resolver

  constructor(resolver: Resolver) {
    this.#resolver = resolver
  }

  /** Branches in which a resolved expression is true. NULL is not true. */
  of(expr: Expr): readonly Branch[] {
    const constantBranches = (constant: Extract<Expr, { kind: 'constant' }>) => {
      const truth = truthOf(constant.value)
      return truth === undefined ? atom(constant) : truth ? ALWAYS : NONE
    }
    switch (expr.kind) {
      case 'constant':
        return constantBranches(expr)
      case 'cast':
        return expr.type === 'boolean' ? this.#booleanCast(expr) : atom(expr)
      case 'and':
        return this.all(expr.args)
      case 'or':
        if (hasComplement(expr.args)) return ALWAYS
        return limited(expr.args.flatMap((arg) => this.of(arg)))
      case 'not':
        return this.#not(expr.arg)
      case 'coalesce':
        return this.#coalesce(expr.args)
      case 'case':
        return this.#case(expr)
      case 'boolean-test':
        return this.#booleanTest(expr)
      case 'subquery':
        return this.#subquery(expr)
      case 'any':
        return this.#any(expr)
      case 'operator':
        return this.#operator(expr)
      case 'distinct':
        return expr.negated ? this.#same(expr) : atom(expr)
      case 'null-test':
        return neverNull(expr.arg) || this.#isNotNullColumn(expr.arg) ? (expr.negated ? ALWAYS : NONE) : atom(expr)
      default:
        return atom(expr)
    }
  }

  /** A NOT NULL column of the policy's own row; a lookup's row may be missing from an outer join. */
  #isNotNullColumn(expr: Expr): boolean {
    if (expr.kind !== 'column' || expr.table !== '#0') return false
    return (
      this.#resolver.instances.get('#0')?.relation.columns.find((column) => column.name === expr.name)?.notNull === true
    )
  }

  /** Branches of a conjunction. */
  all(parts: readonly Expr[]): readonly Branch[] {
    let product: readonly Branch[] = ALWAYS
    for (const part of parts) product = this.#product(product, this.of(part))
    return product
  }

  #product(left: readonly Branch[], right: readonly Branch[]): readonly Branch[] {
    return limited(
      left.flatMap((one) =>
        right.map((other) => ({
          atoms: [...one.atoms, ...other.atoms],
          instances: [...one.instances, ...other.instances],
        })),
      ),
    )
  }

  #booleanCast(expr: Extract<Expr, { kind: 'cast' }>): readonly Branch[] {
    const { arg } = expr
    if (arg.kind === 'constant') return this.of(arg)
    return arg.kind === 'coalesce' || arg.kind === 'nullif' || arg.kind === 'call' || arg.kind === 'column'
      ? atom(expr)
      : this.of(arg)
  }

  #not(arg: Expr): readonly Branch[] {
    const negated = negate(arg)
    return negated === undefined ? atom({ kind: 'not', arg }) : this.of(negated)
  }

  #coalesce(args: readonly Expr[]): readonly Branch[] {
    const [first, ...rest] = args
    if (first === undefined) return NONE
    const then = this.#coalesce(rest)
    if (then.length === 0) return this.of(first)
    return limited([...this.of(first), ...this.#product(atom({ kind: 'null-test', arg: first, negated: false }), then)])
  }

  #case(expr: Extract<Expr, { kind: 'case' }>): readonly Branch[] {
    const branches: Branch[] = []
    const before: Expr[] = []
    for (const { when, then } of expr.whens) {
      // CASE x WHEN NULL is never true.
      const condition: Expr =
        expr.subject === undefined ? when : { kind: 'operator', op: '=', left: expr.subject, right: when }
      branches.push(...this.all([...before.map(notTrue), condition, then]))
      before.push(condition)
    }
    if (expr.otherwise !== undefined) branches.push(...this.all([...before.map(notTrue), expr.otherwise]))
    return limited(branches)
  }

  #booleanTest(expr: Extract<Expr, { kind: 'boolean-test' }>): readonly Branch[] {
    const isNull = atom({ kind: 'null-test', arg: expr.arg, negated: false })
    switch (expr.test) {
      case 'IS_TRUE':
        return this.of(expr.arg)
      case 'IS_FALSE':
        return this.#not(expr.arg)
      case 'IS_NOT_FALSE':
        return limited([...this.of(expr.arg), ...isNull])
      case 'IS_NOT_TRUE':
        return limited([...this.#not(expr.arg), ...isNull])
      default:
        return atom(expr)
    }
  }

  #subquery(expr: Extract<Expr, { kind: 'subquery' }>): readonly Branch[] {
    const scope = this.#resolver.scopeOf(expr)
    const rows = scope === undefined ? undefined : this.rows(expr.query, scope, expr.type !== 'exists')
    if (rows === undefined) return atom(expr)
    if (expr.type === 'exists') return limited(rows.flatMap((row) => this.#row(row, [])))
    if (expr.type === 'scalar')
      return limited(
        rows.flatMap((row) => (row.targets[0] === undefined ? NONE : this.#row(row, [row.targets[0].expr]))),
      )
    if (expr.type === 'any' && expr.op === '=' && expr.left !== undefined) {
      const { left } = expr
      return limited(rows.flatMap((row) => this.#row(row, [equality(left, row)])))
    }
    return atom(expr)
  }

  #row(row: QueryRow, more: readonly Expr[]): readonly Branch[] {
    return this.all([...row.conditions, ...more]).map((branch) => ({
      atoms: branch.atoms,
      instances: [...row.instances, ...branch.instances],
    }))
  }

  #any(expr: Extract<Expr, { kind: 'any' | 'all' }>): readonly Branch[] {
    const array = peel(expr.array)
    if (expr.op === '=' && array.kind === 'array')
      return limited(
        array.items.flatMap((item) => this.of({ kind: 'operator', op: '=', left: expr.left, right: item })),
      )
    if (expr.op === '=' && array.kind === 'subquery') {
      const scope = this.#resolver.scopeOf(array)
      const rows = scope === undefined ? undefined : this.rows(array.query, scope, true)
      if (rows !== undefined) return limited(rows.flatMap((row) => this.#row(row, [equality(expr.left, row)])))
    }
    return atom(expr)
  }

  #operator(expr: Extract<Expr, { kind: 'operator' }>): readonly Branch[] {
    if (expr.left === undefined) return atom(expr)
    const counted = this.#countTest(expr)
    if (counted !== undefined) return counted
    // Whatever is compared with NULL is not true.
    if (isNull(expr.left) || isNull(expr.right)) return NONE
    if (expr.op !== '=') return isConstantTrue(expr) ? ALWAYS : atom(expr)
    const literal = constantEquality(expr.left, expr.right)
    if (literal !== undefined) return literal ? ALWAYS : NONE
    // x = true is x.
    for (const [side, other] of [
      [expr.left, expr.right],
      [expr.right, expr.left],
    ] as const)
      if (peel(side).kind === 'constant' && (peel(side) as { value: unknown }).value === true) return this.of(other)
    const sides = expandSides(
      expr.left,
      expr.right,
      (subquery) => {
        const scope = this.#resolver.scopeOf(subquery)
        return scope === undefined || subquery.kind !== 'subquery' ? undefined : this.rows(subquery.query, scope, true)
      },
      (side) => this.#sourceOf(side),
    )
    if (sides === undefined) return atom(expr)
    return limited(
      sides.flatMap((side) =>
        this.#row({ conditions: side.conditions, instances: side.instances, targets: [] }, []).flatMap((branch) => {
          const known = constantEquality(side.left, side.right)
          if (known === false || isNull(side.left) || isNull(side.right)) return []
          const own = known === true ? [] : [{ ...expr, left: side.left, right: side.right }]
          return [{ atoms: [...branch.atoms, ...own], instances: branch.instances }]
        }),
      ),
    )
  }

  /** What one side of an equality stands for: the session's own value, a tenant column, or another column. */
  #sourceOf(expr: Expr): 'session' | 'tenant' | 'column' | undefined {
    const { facts, instances } = this.#resolver
    const term = termOf(expr, facts, instances)
    if (term.kind === 'context' || term.kind === 'key' || term.kind === 'setting') return 'session'
    if (term.kind !== 'column') return undefined
    return facts.tenantTable(term.instance.relation)?.column?.name === term.column.name ? 'tenant' : 'column'
  }

  /** (select count(*) …) > 0 is EXISTS. */
  #countTest(expr: Extract<Expr, { kind: 'operator' }>): readonly Branch[] | undefined {
    const { left, right } = expr
    if (left?.kind !== 'subquery' || right.kind !== 'constant') return undefined
    if (!((expr.op === '>' && right.value === 0) || (expr.op === '>=' && right.value === 1))) return undefined
    const target = left.query.targets[0]?.expr
    if (!isCount(target)) return undefined
    const scope = this.#resolver.scopeOf(left)
    const rows = scope === undefined ? undefined : this.rows({ ...left.query, targets: [] }, scope)
    return rows === undefined ? undefined : limited(rows.flatMap((row) => this.#row(row, [])))
  }

  #same(expr: Extract<Expr, { kind: 'distinct' }>): readonly Branch[] {
    const equal = this.of({ kind: 'operator', op: '=', left: expr.left, right: expr.right })
    const bothNull = this.all([
      { kind: 'null-test', arg: expr.left, negated: false },
      { kind: 'null-test', arg: expr.right, negated: false },
    ])
    return limited([...equal, ...bothNull])
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

function equality(left: Expr, row: QueryRow): Expr {
  const right: Expr =
    left.kind === 'row'
      ? { kind: 'row', items: row.targets.map((target) => target.expr) }
      : (row.targets[0]?.expr ?? { kind: 'constant', value: null })
  return { kind: 'operator', op: '=', left, right }
}

function atom(expr: Expr): readonly Branch[] {
  return [{ atoms: [expr], instances: [] }]
}

/** x OR NOT x: true but for NULL. */
function hasComplement(args: readonly Expr[]): boolean {
  return args.some((arg) => arg.kind === 'not' && args.some((other) => sameExpression(other, arg.arg)))
}

function isNull(expr: Expr): boolean {
  const inner = peel(expr)
  return inner.kind === 'constant' && inner.value === null
}

function neverNull(expr: Expr): boolean {
  if (expr.kind === 'constant') return expr.value !== null
  if (expr.kind === 'subquery') return expr.type === 'exists'
  return expr.kind === 'null-test' || expr.kind === 'distinct' || expr.kind === 'boolean-test'
}

function notTrue(expr: Expr): Expr {
  return { kind: 'boolean-test', arg: expr, test: 'IS_NOT_TRUE' }
}

function limited(branches: readonly Branch[]): readonly Branch[] {
  if (branches.length > MAX_BRANCHES) throw new TooManyBranches('the predicate has too many branches')
  return branches
}

function isConstantTrue(expr: Extract<Expr, { kind: 'operator' }>): boolean {
  if (expr.left === undefined) return false
  const equal = constantEquality(expr.left, expr.right)
  return (
    (expr.op === '<>' && equal === false) ||
    ((expr.op === '<=' || expr.op === '>=') && sameExpression(expr.left, expr.right))
  )
}

/** A relation's columns under the names that its alias gives the first of them. */
function renamed(relation: Relation, names: readonly string[] | undefined): readonly string[] {
  return relation.columns.map((column, at) => names?.[at] ?? column.name)
}
