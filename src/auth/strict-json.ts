import { TokenRefusedError } from './refusal.ts'

const MAX_DEPTH = 16
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A JSON object without a prototype, frozen in depth. */
export type RawClaims = Readonly<Record<string, unknown>>

/**
 * Reads a JSON object strictly, so that every parser reads the same values: UTF-8 without a byte order mark, each name once, bounded depth.
 *
 * If a name occurs twice, `JSON.parse` keeps the last value and other parsers the first. Two readers of one token would then see two
 * tenants. `__proto__` is refused, because other code may copy the claims into ordinary objects.
 *
 * @throws {TokenRefusedError} `malformed` or `duplicate-claim`
 * @see RFC 7519 section 4 and RFC 7515 section 4 (duplicate names), RFC 8725 section 2.6
 */
export function parseStrictObject(bytes: Uint8Array): RawClaims {
  let text: string
  let value: unknown
  try {
    text = decoder.decode(bytes)
    value = JSON.parse(text)
  } catch {
    // Do not set `cause`: the parser's message quotes the token.
    throw new TokenRefusedError('malformed')
  }
  refuseDuplicateNames(text)
  const hardened = harden(value)
  if (!isRecord(hardened) || Array.isArray(hardened)) throw new TokenRefusedError('malformed')
  return hardened
}

/** Whether a value is an object whose own keys may be read. Arrays are not. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Refuses an object that has a name twice. `JSON.parse` has accepted the text, so it is enough to know strings, braces, brackets and
 * commas.
 */
function refuseDuplicateNames(text: string): void {
  const stack: (Set<string> | undefined)[] = []
  let expectName = false
  let index = 0
  while (index < text.length) {
    const character = text[index]
    if (character === '"') {
      const end = endOfString(text, index)
      const names = stack.at(-1)
      if (expectName && names !== undefined) {
        const name: unknown = JSON.parse(text.slice(index, end))
        if (typeof name !== 'string' || name === '__proto__') throw new TokenRefusedError('malformed')
        if (names.has(name)) throw new TokenRefusedError('duplicate-claim')
        names.add(name)
      }
      expectName = false
      index = end
      continue
    }
    if (character === '{' || character === '[') {
      if (stack.length >= MAX_DEPTH) throw new TokenRefusedError('malformed')
      stack.push(character === '{' ? new Set() : undefined)
      expectName = character === '{'
    } else if (character === '}' || character === ']') {
      stack.pop()
      expectName = false
    } else if (character === ',') {
      expectName = stack.at(-1) !== undefined
    }
    index++
  }
}

function endOfString(text: string, start: number): number {
  let index = start + 1
  while (index < text.length && text[index] !== '"') index += text[index] === '\\' ? 2 : 1
  return index + 1
}

function harden(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(harden))
  if (!isRecord(value)) return value
  const copy: Record<string, unknown> = Object.create(null)
  for (const [name, item] of Object.entries(value)) copy[name] = harden(item)
  return Object.freeze(copy)
}
