import type { Expr } from '../sql/tree.ts'
import { isCount } from './aggregates.ts'
import { ALWAYS, atom, type Branch, limited, NONE, type QueryRow } from './branch.ts'
import { isBuiltInCall } from './built-in.ts'
import { constantEquality, truthOf } from './constants.ts'
import { isNeverNull } from './never-null.ts'
import {
  equality,
  hasComplement,
  isConstantTrue,
  isNull,
  isTrue,
  neverNull,
  notTrue,
  pairsOf,
} from './plain-conditions.ts'
import { type Asked, RowReader } from './query-rows.ts'
import type { Resolver } from './resolve.ts'
import { expandSides, negate, peel } from './rewrite.ts'
import { termOf } from './terms.ts'

/** Turns a resolved predicate into branches: an OR of ANDs. If the predicate is true, all conditions of some branch are true. */
export class Brancher {
  readonly #resolver: Resolver
  readonly #rows: RowReader

  constructor(resolver: Resolver) {
    this.#resolver = resolver
    this.#rows = new RowReader(resolver)
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

  /**
   * Whether the expression is a NOT NULL column of the policy's own row. False for a column of a lookup row, because an outer join may make
   * it NULL.
   */
  #isNotNullColumn(expr: Expr): boolean {
    if (expr.kind !== 'column' || expr.table !== '#0') return false
    const relation = this.#resolver.instances.get('#0')?.relation
    return relation !== undefined && isNeverNull(this.#resolver.facts, relation, expr.name)
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
    const rows =
      scope === undefined ? undefined : this.#rows.rows(expr.query, scope, expr.type === 'exists' ? 'rows' : 'value')
    if (rows === undefined) return atom(expr)
    if (expr.type === 'exists') return limited(rows.flatMap((row) => this.#row(row, [])))
    if (expr.type === 'scalar')
      return limited(
        rows.flatMap((row) => (row.targets[0] === undefined ? NONE : this.#row(row, [row.targets[0].expr]))),
      )
    if (expr.type === 'any' && expr.op === '=' && expr.left !== undefined) {
      const { left } = expr
      return limited(rows.flatMap((row) => this.#row(row, [this.#equality(left, row)])))
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
    if (expr.op === '=' && array.kind === 'subquery' && (array.type === 'array' || array.type === 'scalar')) {
      const scope = this.#resolver.scopeOf(array)
      // ARRAY(SELECT x …): each row is one element. = ANY ((SELECT array_agg(x) …)): the value of the subquery is an array.
      const asked: Asked = array.type === 'array' ? 'value' : 'elements'
      const rows = scope === undefined ? undefined : this.#rows.rows(array.query, scope, asked)
      if (rows !== undefined) return limited(rows.flatMap((row) => this.#row(row, [this.#equality(expr.left, row)])))
    }
    return atom(expr)
  }

  #equality(left: Expr, row: QueryRow): Expr {
    const only = row.targets.length === 1 ? row.targets[0]?.expr : undefined
    // x IN (SELECT unnest(array)) is x = ANY (array).
    if (only?.kind === 'call' && only.name === 'unnest' && only.args.length === 1 && only.args[0] !== undefined)
      if (isBuiltInCall(only, this.#resolver.facts)) return { kind: 'any', op: '=', left, array: only.args[0] }
    return equality(left, row)
  }

  #operator(expr: Extract<Expr, { kind: 'operator' }>): readonly Branch[] {
    if (expr.left === undefined) return atom(expr)
    const counted = this.#countTest(expr)
    if (counted !== undefined) return counted
    if (expr.op === '=' && expr.left.kind === 'row' && expr.right.kind === 'row')
      return this.all(pairsOf(expr.left.items, expr.right.items))
    // A comparison with NULL is never true.
    if (isNull(expr.left) || isNull(expr.right)) return NONE
    if (expr.op !== '=') return isConstantTrue(expr) ? ALWAYS : atom(expr)
    const literal = constantEquality(expr.left, expr.right)
    if (literal !== undefined) return literal ? ALWAYS : NONE
    // x = true is x.
    for (const [side, other] of [
      [expr.left, expr.right],
      [expr.right, expr.left],
    ] as const)
      if (isTrue(side)) return this.of(other)
    const sides = expandSides(
      expr.left,
      expr.right,
      (subquery) => {
        const scope = this.#resolver.scopeOf(subquery)
        return scope === undefined || subquery.kind !== 'subquery'
          ? undefined
          : this.#rows.rows(subquery.query, scope, 'value')
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

  /** Which kind of value one side of an equality is: a value of the session, a tenant column, or another column. */
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
    if (!isCount(target, this.#resolver.facts)) return undefined
    const scope = this.#resolver.scopeOf(left)
    const rows =
      scope === undefined ? undefined : this.#rows.rows({ ...left.query, targets: [], others: [] }, scope, 'rows')
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
}
