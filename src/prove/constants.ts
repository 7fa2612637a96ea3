import type { Expr } from '../sql/tree.ts'

/** The truth value of a constant as a condition, or undefined. PostgreSQL also reads words ('yes', 'off') and numbers as booleans. */
export function truthOf(value: string | number | boolean | null): boolean | undefined {
  if (value === null) return false
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return value !== 0
  const word = value.trim().toLowerCase()
  if (/^(t|tr|tru|true|y|ye|yes|on|1)$/.test(word)) return true
  return /^(f|fa|fal|fals|false|n|no|of|off|0)$/.test(word) ? false : undefined
}

/** Whether two constants are equal. Undefined if a side is no constant, or if the answer depends on the type. NULL equals nothing. */
export function constantEquality(left: Expr, right: Expr): boolean | undefined {
  const [one, other] = [bare(left), bare(right)]
  if (one === undefined || other === undefined) return undefined
  if (one.value === null || other.value === null) return false
  // Spellings that some type treats as equal ('A' and 'a' as citext) count as equal here. This is safe: it never hides a way to pass the
  // policy.
  if (spelling(one.value) === spelling(other.value)) return true
  if (isNumber(one.value) && isNumber(other.value)) return Number(one.value) === Number(other.value)
  const words = isWord(one.value) && isWord(other.value) && typeof one.value === typeof other.value
  return one.plain && other.plain && words ? false : undefined
}

function spelling(value: string | number | boolean): string {
  return String(value).trim().toLowerCase()
}

/**
 * A text or boolean that can't be read as a number. Two different words are not equal, but two spellings of a number ('1' and '1.0') may be.
 */
function isWord(value: string | number | boolean): boolean {
  return typeof value === 'boolean' || (typeof value === 'string' && !/^\s*[-+.\d]/.test(value))
}

function isNumber(value: string | number | boolean): boolean {
  return typeof value !== 'boolean' && String(value).trim() !== '' && Number.isFinite(Number(value))
}

/** The constant inside casts and COLLATE. `plain`: all of the casts are to text types, so they do not change the value. */
function bare(expr: Expr): { readonly value: string | number | boolean | null; readonly plain: boolean } | undefined {
  if (expr.kind === 'constant') return { value: expr.value, plain: true }
  if (expr.kind !== 'cast' && expr.kind !== 'collate') return undefined
  const inner = bare(expr.arg)
  if (inner === undefined) return undefined
  const plain = expr.kind === 'cast' && /^(text|character varying)$/.test(expr.type)
  return { value: inner.value, plain: inner.plain && plain }
}
