/** A token of SQL text, as far as it matters for splitting the text into statements. */
export interface Token {
  readonly kind: 'word' | 'symbol' | 'string' | 'backslash'
  /** Positions in the whole text, in UTF-16 units. */
  readonly start: number
  readonly end: number
  /** Words in lower case, quoted names with their quotes, symbols as they are; empty for strings. */
  readonly text: string
}

/** Thrown if the text ends inside a string, a quoted name, a dollar quote or a comment. */
export class UnterminatedError extends Error {
  readonly start: number
  constructor(what: string, start: number) {
    super(`${what} that begins here has no end`)
    this.start = start
  }
}

const wordStart = /[\p{L}_]/u
const wordPart = /[\p{L}\p{N}_$]/u
const dollarTag = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy

/**
 * The next token at or after `from`, past white space and comments; undefined at the end.
 *
 * Knows everything that may contain a semicolon in PostgreSQL: nested comments, quoted names, strings of all kinds, dollar quotes.
 *
 * @throws {UnterminatedError}
 * @see PostgreSQL "Lexical Structure"
 */
export function nextToken(text: string, from: number): Token | undefined {
  let at = from
  for (;;) {
    const after = skipBlank(text, at)
    if (after === at) break
    at = after
  }
  const char = text.charAt(at)
  if (char === '') return undefined
  if (char === "'") return token('string', at, endOfQuoted(text, at, "'", false))
  if (char === '"') {
    const end = endOfQuoted(text, at, '"', false)
    return token('word', at, end, text.slice(at, end))
  }
  if (char === '\\') return token('backslash', at, at + 1, char)
  if (char === '$') {
    dollarTag.lastIndex = at
    const tag = dollarTag.exec(text)?.[0]
    if (tag !== undefined) {
      const end = text.indexOf(tag, at + tag.length)
      if (end === -1) throw new UnterminatedError(`The dollar-quoted string ${tag}`, at)
      return token('string', at, end + tag.length)
    }
  }
  if (wordStart.test(char)) {
    let end = at + 1
    while (end < text.length && wordPart.test(text.charAt(end))) end++
    const word = text.slice(at, end).toLowerCase()
    // E'…' takes backslashes as escapes; B, X and N strings do not.
    if (text.charAt(end) === "'" && ['e', 'b', 'x', 'n'].includes(word)) {
      return token('string', at, endOfQuoted(text, end, "'", word === 'e'))
    }
    return token('word', at, end, word)
  }
  return token('symbol', at, at + 1, char)
}

function token(kind: Token['kind'], start: number, end: number, text = ''): Token {
  return { kind, start, end, text }
}

function skipBlank(text: string, at: number): number {
  if (/\s/.test(text.charAt(at))) return at + 1
  if (text.startsWith('--', at)) {
    const end = text.indexOf('\n', at)
    return end === -1 ? text.length : end + 1
  }
  return text.startsWith('/*', at) ? endOfComment(text, at) : at
}

/** Returns the end of a block comment. Block comments nest in PostgreSQL. */
function endOfComment(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    if (text.startsWith('/*', at)) {
      depth++
      at++
    } else if (text.startsWith('*/', at)) {
      depth--
      at++
      if (depth === 0) return at + 1
    }
  }
  throw new UnterminatedError('The comment', start)
}

function endOfQuoted(text: string, start: number, quote: string, escapes: boolean): number {
  for (let at = start + 1; at < text.length; at++) {
    const char = text.charAt(at)
    if (escapes && char === '\\') at++
    else if (char === quote) {
      if (text.charAt(at + 1) !== quote) return at + 1
      at++
    }
  }
  throw new UnterminatedError(quote === '"' ? 'The quoted name' : 'The string', start)
}
