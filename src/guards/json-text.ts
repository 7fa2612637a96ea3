import { type GuardFinding, showId } from './finding.ts'
import type { GuardPolicy } from './guard-policy.ts'
import { judgeTenantValue } from './tenant-value.ts'

/**
 * Searches JSON text, as it is sent, for a tenant field that names another tenant than `tenantId`.
 *
 * The text is searched for the fields' names and not parsed. The checked text is the sent text, so `toJSON`, a getter or a proxy can't
 * return two different values. A key that occurs twice is found twice, and a large number keeps all its digits.
 * Also reads text around JSON (JSONP, server-sent events). `entities` and the bounds of the policy do not apply here.
 *
 * @param tenantId undefined if no tenant context is open: then every tenant field that names a tenant is a finding
 */
export function findInJson(text: string, tenantId: string | undefined, policy: GuardPolicy): GuardFinding | undefined {
  const readable = text.includes('\\') && text.includes('\\u') ? decodeKeyEscapes(text) : text
  const { jsonKeys } = policy
  const own = tenantId === undefined ? undefined : `"${tenantId}"`
  jsonKeys.lastIndex = 0
  while (jsonKeys.test(readable)) {
    const from = jsonKeys.lastIndex
    // The common case is fast, without a match array or a copy: the context's tenant id, followed by a quote.
    if (own !== undefined && readable.startsWith(own, from)) continue
    const key = keyBefore(readable, from, policy)
    if (key === undefined) continue
    const found = judgeAt(readable, from, tenantId, policy)
    if (found !== undefined) return { ...found, path: [key] }
  }
  return undefined
}

/** Returns the tenant field whose key stands before a value. Undefined if the match is inside a string: `"a \\"tenant_id\\": …"`. */
function keyBefore(text: string, from: number, { fields }: GuardPolicy): string | undefined {
  const colon = text.lastIndexOf(':', from - 1)
  const end = text.lastIndexOf('"', colon)
  return fields.find((field) => {
    const key = JSON.stringify(field)
    const start = end + 1 - key.length
    return start >= 0 && text.startsWith(key, start) && !isEscaped(text, start)
  })
}

/**
 * Decodes the escapes in keys: `"tenant\u005fid"` is the key `tenant_id`. Quotes and backslashes stay escaped, so that strings keep their
 * ends.
 */
function decodeKeyEscapes(text: string): string {
  return text.replace(/\\(?:\\|u([0-9a-fA-F]{4}))/g, (whole, hex: string | undefined) => {
    if (hex === undefined) return whole
    const decoded = String.fromCharCode(Number.parseInt(hex, 16))
    return decoded === '"' || decoded === '\\' || decoded < ' ' ? whole : decoded
  })
}

/** Whether an odd number of backslashes stands before the quote. */
function isEscaped(text: string, quote: number): boolean {
  let index = quote
  while (index > 0 && text[index - 1] === '\\') index--
  return (quote - index) % 2 === 1
}

function skipSpace(text: string, from: number): number {
  let index = from
  while (text[index] === ' ' || text[index] === '\n' || text[index] === '\r' || text[index] === '\t') index++
  return index
}

type FoundValue = Omit<GuardFinding, 'path'>

function judgeAt(
  text: string,
  from: number,
  tenantId: string | undefined,
  policy: GuardPolicy,
): FoundValue | undefined {
  if (text[from] === '[') return judgeList(text, from + 1, tenantId, policy)
  if (text[from] === '{') return policy.strict ? { kind: 'empty-tenant' } : undefined
  const literal = readLiteral(text, from)
  return literal === undefined ? { kind: 'unreadable' } : judgeLiteral(literal.value, tenantId, policy)
}

/** Returns the first id of a list that does not name this tenant. */
function judgeList(
  text: string,
  from: number,
  tenantId: string | undefined,
  policy: GuardPolicy,
): FoundValue | undefined {
  let index = skipSpace(text, from)
  while (text[index] !== ']') {
    if (text[index] === '[' || text[index] === '{') return policy.strict ? { kind: 'empty-tenant' } : undefined
    const literal = readLiteral(text, index)
    if (literal === undefined) return { kind: 'unreadable' }
    const found = judgeLiteral(literal.value, tenantId, policy)
    if (found !== undefined) return found
    index = skipSpace(text, literal.end)
    if (text[index] === ',') index = skipSpace(text, index + 1)
  }
  return undefined
}

function judgeLiteral(value: Literal, tenantId: string | undefined, policy: GuardPolicy): FoundValue | undefined {
  // Without a context compare with '': no id is the empty string, so every id is another tenant's.
  const verdict = judgeTenantValue(value, tenantId ?? '', policy.sameTenant)
  if (verdict === 'same') return undefined
  if (verdict === 'foreign') {
    return { kind: tenantId === undefined ? 'no-context' : 'foreign-tenant', attemptedTenantId: showId(value) }
  }
  return policy.strict ? { kind: 'empty-tenant' } : undefined
}

type Literal = string | number | bigint | boolean | null

// Strings that are longer than any id don't match and are refused. Without this limit one long string could exhaust the stack.
const literalPattern = /"((?:[^"\\]|\\.){0,1024})"|(-?\d+)(?![\d.eE])|(-?\d[\d.eE+-]*)|(true|false|null)/y

function readLiteral(text: string, from: number): { readonly value: Literal; readonly end: number } | undefined {
  literalPattern.lastIndex = from
  const match = literalPattern.exec(text)
  if (match === null) return undefined
  const [, string, integer, number, word] = match
  const end = literalPattern.lastIndex
  if (string !== undefined) return { value: string.includes('\\') ? unescapeString(string) : string, end }
  if (integer !== undefined) return { value: BigInt(integer), end }
  if (number !== undefined) return { value: Number(number), end }
  return { value: word === 'null' ? null : word === 'true', end }
}

/**
 * Decodes the escapes of a JSON string. If JSON.parse refuses the string, returns it unchanged. The guard then refuses it, because no
 * tenant has such an id.
 */
function unescapeString(text: string): string {
  try {
    return String(JSON.parse(`"${text}"`))
  } catch {
    return text
  }
}
