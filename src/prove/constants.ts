import type { Expr } from '../sql/tree.ts'

/** What a constant is as a condition; undefined is not known. PostgreSQL reads words and numbers as booleans too. */
export function truthOf(value: string | number | boolean | null): boolean | undefined {
  if (value === null) return false
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return value !== 0
  const word = value.trim().toLowerCase()
  if (/^(t|tr|tru|true|y|ye|yes|on|1)$/.test(word)) return true
  return /^(f|fa|fal|fals|false|n|no|of|off|0)$/.test(word) ? false : undefined
}

/** Whether two constants are equal; undefined when they are no constants, or of types that decide it. NULL equals nothing. */
export function constantEquality(left: Expr, right: Expr): boolean | undefined {
  const [one, other] = [bare(left), bare(right)]
  if (one === undefined || other === undefined) return undefined
  if (one.value === null || other.value === null) return false
  // 1.0 is 1 and, for some types, 'A' is 'a': equal for some type is what must be reckoned with.
  if (spelling(one.value) === spelling(other.value)) return true
  if (isNumber(one.value) && isNumber(other.value)) return Number(one.value) === Number(other.value)
  const words = isWord(one.value) && isWord(other.value) && typeof one.value === typeof other.value
  return one.plain && other.plain && words ? false : undefined
}

function spelling(value: string | number | boolean): string {
  return String(value).trim().toLowerCase()
}

/** Text that no type reads as a number, with another spelling of the same one. */
function isWord(value: string | number | boolean): boolean {
  return typeof value === 'boolean' || (typeof value === 'string' && !/^\s*[-+.\d]/.test(value))
}

function isNumber(value: string | number | boolean): boolean {
  return typeof value !== 'boolean' && String(value).trim() !== '' && Number.isFinite(Number(value))
}

/** A constant below its casts; `plain` where none of them gives it another meaning. */
function bare(expr: Expr): { readonly value: string | number | boolean | null; readonly plain: boolean } | undefined {
  if (expr.kind === 'constant') return { value: expr.value, plain: true }
  if (expr.kind !== 'cast' && expr.kind !== 'collate') return undefined
  const inner = bare(expr.arg)
  if (inner === undefined) return undefined
  const plain = expr.kind === 'cast' && /^(text|character varying)$/.test(expr.type)
  return { value: inner.value, plain: inner.plain && plain }
}
