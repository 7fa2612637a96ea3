import type { Expr } from '../sql/tree.ts'
import type { QueryRow } from './branch.ts'
import type { Instance } from './scope.ts'

const OPPOSITE: Readonly<Record<string, string>> = {
  '=': '<>',
  '<>': '=',
  '!=': '=',
  '<': '>=',
  '>=': '<',
  '>': '<=',
  '<=': '>',
}

/** Returns the negation of an expression, with NOT moved one level inwards. Undefined if that is not exact under three-valued logic. */
export function negate(expr: Expr): Expr | undefined {
  switch (expr.kind) {
    case 'constant':
      return typeof expr.value === 'boolean' ? { kind: 'constant', value: !expr.value } : undefined
    case 'not':
      return expr.arg
    case 'and':
      return { kind: 'or', args: expr.args.map((arg) => ({ kind: 'not', arg })) }
    case 'or':
      return { kind: 'and', args: expr.args.map((arg) => ({ kind: 'not', arg })) }
    case 'null-test':
      return { ...expr, negated: !expr.negated }
    case 'distinct':
      return { ...expr, negated: !expr.negated }
    case 'operator': {
      const op = OPPOSITE[expr.op]
      return op === undefined ? undefined : { ...expr, op }
    }
    case 'coalesce': {
      const last = expr.args.at(-1)
      if (last?.kind !== 'constant' || typeof last.value !== 'boolean') return undefined
      return { ...expr, args: expr.args.map((arg) => ({ kind: 'not', arg })) }
    }
    default:
      return undefined
  }
}

/** One pair of values that an equality may compare, with the conditions under which it does. */
interface SidePair {
  readonly left: Expr
  readonly right: Expr
  readonly conditions: readonly Expr[]
  readonly instances: readonly Instance[]
}

interface Side {
  readonly expr: Expr
  readonly conditions: readonly Expr[]
  readonly instances: readonly Instance[]
  /** The first argument of a COALESCE. Set if the value is the fallback of that COALESCE and stands for "no tenant" (a sentinel). */
  readonly sentinelAfter?: Expr
}

/** Which kind of value a side of an equality is, if that is known. */
type SourceOf = (expr: Expr) => 'session' | 'tenant' | 'column' | undefined

const MAX_SIDES = 16

/** Splits COALESCE, CASE, NULLIF and scalar subqueries on both sides of an equality into pairs. Undefined if there are too many. */
export function expandSides(
  left: Expr,
  right: Expr,
  rowsOf: (subquery: Expr) => readonly QueryRow[] | undefined,
  sourceOf: SourceOf,
): readonly SidePair[] | undefined {
  const lefts = sidesOf(left, rowsOf)
  const rights = sidesOf(right, rowsOf)
  if (lefts.length * rights.length > MAX_SIDES) return undefined
  return lefts.flatMap((one) =>
    rights
      .filter((other) => !isNobodys(one, other, sourceOf) && !isNobodys(other, one, sourceOf))
      .map((other) => ({
        left: one.expr,
        right: other.expr,
        conditions: [...one.conditions, ...other.conditions],
        instances: [...one.instances, ...other.instances],
      })),
  )
}

/** Whether a pair compares a sentinel for "no tenant" with a tenant column or a value of the session. Neither ever has such a value. */
function isNobodys(side: Side, other: Side, sourceOf: SourceOf): boolean {
  if (side.sentinelAfter === undefined || other.sentinelAfter !== undefined) return false
  const against = sourceOf(other.expr)
  return against === 'column' ? sourceOf(side.sentinelAfter) === 'session' : against !== undefined
}

function sidesOf(expr: Expr, rowsOf: (subquery: Expr) => readonly QueryRow[] | undefined): readonly Side[] {
  switch (expr.kind) {
    case 'cast':
    case 'collate':
      return sidesOf(expr.arg, rowsOf).map((side) => ({ ...side, expr: { ...expr, arg: side.expr } }))
    case 'nullif':
      // NULLIF returns its first argument or NULL. NULL equals nothing, so only the first argument matters.
      return sidesOf(expr.left, rowsOf)
    case 'coalesce': {
      const before: Expr[] = []
      return expr.args.flatMap((arg) => {
        const sides = sidesOf(arg, rowsOf).map((side) => ({
          ...side,
          conditions: [
            ...before.map((part): Expr => ({ kind: 'null-test', arg: part, negated: false })),
            ...side.conditions,
          ],
        }))
        const [first] = before
        before.push(arg)
        return first !== undefined && isSentinel(arg) ? sides.map((side) => ({ ...side, sentinelAfter: first })) : sides
      })
    }
    case 'case': {
      const before: Expr[] = []
      const sides: Side[] = []
      const add = (condition: readonly Expr[], value: Expr) => {
        for (const side of sidesOf(value, rowsOf))
          sides.push({ ...side, conditions: [...condition, ...side.conditions] })
      }
      for (const { when, then } of expr.whens) {
        const condition: Expr =
          expr.subject === undefined ? when : { kind: 'operator', op: '=', left: expr.subject, right: when }
        add([...before, condition], then)
        before.push({ kind: 'boolean-test', arg: condition, test: 'IS_NOT_TRUE' })
      }
      if (expr.otherwise !== undefined) add(before, expr.otherwise)
      return sides
    }
    case 'subquery': {
      const rows = expr.type === 'scalar' ? rowsOf(expr) : undefined
      return rows === undefined
        ? [{ expr, conditions: [], instances: [] }]
        : rows.flatMap((row) => {
            const target = row.targets[0]
            return target === undefined
              ? []
              : [{ expr: target.expr, conditions: row.conditions, instances: row.instances }]
          })
    }
    default:
      return [{ expr, conditions: [], instances: [] }]
  }
}

/** Whether the expression is a value that stands for "no tenant". No row has such a value. */
export function isSentinel(expr: Expr): boolean {
  if (expr.kind === 'cast') return isSentinel(expr.arg)
  if (expr.kind !== 'constant') return false
  return expr.value === null || ['', '0', '-1', '00000000-0000-0000-0000-000000000000'].includes(String(expr.value))
}

export function sameExpression(left: Expr, right: Expr): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}

/** An expression without the casts and collations around it. */
export function peel(expr: Expr): Expr {
  return expr.kind === 'cast' || expr.kind === 'collate' ? peel(expr.arg) : expr
}
