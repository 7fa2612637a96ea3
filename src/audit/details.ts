/** Names whose values are never logged. They are compared without case, `-` and `_`. */
const SECRET_NAMES =
  /^(password|passwd|pwd|secret|clientsecret|token|accesstoken|refreshtoken|idtoken|authorization|cookie|setcookie|apikey|privatekey|signature|creditcard|cardnumber|cvv|cvc|ssn|otp|pin)$/

const MAX_DEPTH = 8
const MAX_ITEMS = 200
const REDACTED = '[redacted]'

/** Rules for `details`. */
export interface DetailsPolicy {
  /** More names to redact, besides passwords, tokens, keys and the like. */
  readonly secretNames: ReadonlySet<string>
  readonly maxBytes: number
}

/** A name in the form in which names are compared: in lower case, without `-`, `_` and spaces. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[-_\s]/g, '')
}

/** Makes text that PostgreSQL can store as text and jsonb: without NUL and lone surrogates, cut to `max` characters. */
export function storable(text: string, max: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an attacker may send NUL so that the event can't be written
  const clean = text.slice(0, max).replace(/\u0000|\p{Surrogate}/gu, '\uFFFD')
  return clean
}

/**
 * Returns `details` as JSON text that PostgreSQL can store: with secrets redacted, at most `maxBytes` long. Never throws.
 *
 * An event must be writable in any case, so a value that can't be serialised is replaced by a marker.
 */
export function detailsText(details: Readonly<Record<string, unknown>> | undefined, policy: DetailsPolicy): string {
  if (details === undefined) return '{}'
  const text = JSON.stringify(clean(details, policy, new Set(), 0)) ?? '{}'
  const bytes = Buffer.byteLength(text)
  if (bytes <= policy.maxBytes) return text
  const keys = Object.keys(details)
    .slice(0, 50)
    .map((key) => storable(key, 64))
  return JSON.stringify({ truncated: true, bytes, keys })
}

function clean(value: unknown, policy: DetailsPolicy, seen: Set<object>, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return storable(value, policy.maxBytes)
    case 'number':
      // jsonb prints 1e300 with 301 digits, so 5 bytes of a client would grow beyond the limit.
      return Number.isFinite(value) && (value === 0 || (Math.abs(value) < 1e21 && Math.abs(value) >= 1e-6))
        ? value
        : String(value)
    case 'boolean':
      return value
    case 'bigint':
      return value.toString()
    case 'object':
      break
    default:
      return value === undefined ? undefined : `[${typeof value}]`
  }
  if (value === null) return null
  if (seen.has(value)) return '[circular]'
  if (depth >= MAX_DEPTH) return '[deep]'
  seen.add(value)
  try {
    return cleanObject(value, policy, seen, depth)
  } catch {
    return '[unreadable]' // a getter or a proxy threw; the event is still written
  } finally {
    seen.delete(value)
  }
}

function cleanObject(value: object, policy: DetailsPolicy, seen: Set<object>, depth: number): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '[invalid date]' : value.toISOString()
  if (value instanceof Error)
    return { name: value.name, code: clean(Reflect.get(value, 'code'), policy, seen, depth + 1) }
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (value instanceof Map) return clean(Object.fromEntries(value), policy, seen, depth)
  if (value instanceof Set) return clean([...value], policy, seen, depth)
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map((item) => clean(item, policy, seen, depth + 1) ?? null)
    return value.length > MAX_ITEMS ? [...items, `[${value.length - MAX_ITEMS} more]`] : items
  }
  const entries: [string, unknown][] = []
  for (const [name, item] of Object.entries(value).slice(0, MAX_ITEMS)) {
    const plain = plainName(name)
    const secret = SECRET_NAMES.test(plain) || policy.secretNames.has(plain)
    entries.push([storable(name, 256), secret ? REDACTED : clean(item, policy, seen, depth + 1)])
  }
  return Object.fromEntries(entries)
}
