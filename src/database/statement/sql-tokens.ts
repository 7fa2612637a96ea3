import { skipNoise } from './statement-text.ts'

/**
 * One token of a statement, as PostgreSQL's lexer reads it.
 *
 * - `word`: an identifier or key word without quotes, in upper case
 * - `quoted`: a quoted identifier, `U&"…"` included
 * - `string`: a string constant of any form
 * - `mark`: any other character, such as `(`
 */
export interface SqlToken {
  readonly kind: 'word' | 'quoted' | 'string' | 'mark'
  /** The word in upper case, or the character; '' for quoted identifiers and strings. */
  readonly text: string
}

/**
 * Reads the tokens of a statement. The time is linear in the length of the text.
 *
 * @param options.backslashEscapes reads plain strings as a session with `standard_conforming_strings = off` does; a statement can switch
 * this setting for later statements of its transaction
 * @returns undefined if a comment, a string or a quoted identifier has no end
 * @see PostgreSQL "Lexical Structure"
 */
export function sqlTokens(text: string, options: { readonly backslashEscapes: boolean }): SqlToken[] | undefined {
  const tokens: SqlToken[] = []
  let at = 0
  for (;;) {
    at = skipNoise(text, at, false)
    if (at === -1) return undefined
    if (at >= text.length) return tokens
    const end = readToken(text, at, options.backslashEscapes, tokens)
    if (end === -1) return undefined
    at = end
  }
}

/** Adds the token that starts at `from`. @returns the end of the token; -1 if it has no end */
function readToken(text: string, from: number, backslashEscapes: boolean, into: SqlToken[]): number {
  const unit = text.charCodeAt(from)
  if (unit === QUOTE) return endOfString(text, from + 1, backslashEscapes, into)
  if (unit === DOUBLE_QUOTE) {
    into.push(QUOTED)
    return endOfQuoted(text, from + 1, DOUBLE_QUOTE, false)
  }
  if (unit === DOLLAR) {
    const end = endOfDollarString(text, from)
    into.push(end === undefined ? { kind: 'mark', text: '$' } : STRING)
    return end ?? from + 1
  }
  if (!startsWord(unit)) {
    into.push({ kind: 'mark', text: text.charAt(from) })
    return from + 1
  }
  let end = from + 1
  while (end < text.length && continuesWord(text.charCodeAt(end))) end++
  const word = upperCase(text.slice(from, end))
  if (text.charCodeAt(end) === QUOTE && (word === 'E' || word === 'B' || word === 'X' || word === 'N'))
    return endOfString(text, end + 1, word === 'E' || (word === 'N' && backslashEscapes), into)
  if (word === 'U' && text.charCodeAt(end) === AMPERSAND && text.charCodeAt(end + 1) === DOUBLE_QUOTE) {
    into.push(QUOTED)
    return endOfQuoted(text, end + 2, DOUBLE_QUOTE, false)
  }
  into.push({ kind: 'word', text: word })
  return end
}

/** Turns only ASCII words into upper case. JavaScript turns `ı` into `I`, but for PostgreSQL it is another letter. */
function upperCase(word: string): string {
  return /^[\w$]+$/.test(word) ? word.toUpperCase() : word
}

function endOfString(text: string, from: number, backslashEscapes: boolean, into: SqlToken[]): number {
  into.push(STRING)
  return endOfQuoted(text, from, QUOTE, backslashEscapes)
}

const STRING: SqlToken = { kind: 'string', text: '' }
const QUOTED: SqlToken = { kind: 'quoted', text: '' }

const QUOTE = 0x27
const DOUBLE_QUOTE = 0x22
const DOLLAR = 0x24
const AMPERSAND = 0x26
const BACKSLASH = 0x5c

/** ASCII letters, the underscore and every character above ASCII: a no-break space is part of an identifier, too. */
function startsWord(unit: number): boolean {
  const lower = unit | 0x20
  return (lower >= 0x61 && lower <= 0x7a) || unit === 0x5f || unit >= 0x80
}

function continuesWord(unit: number): boolean {
  return startsWord(unit) || (unit >= 0x30 && unit <= 0x39) || unit === DOLLAR
}

/** The place behind the closing quote; a doubled quote is part of the text. -1 if there is none. */
function endOfQuoted(text: string, from: number, quote: number, backslashEscapes: boolean): number {
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === BACKSLASH && backslashEscapes) at++
    else if (unit === quote) {
      if (text.charCodeAt(at + 1) !== quote) return at + 1
      at++
    }
  }
  return -1
}

/** End of a string `$$…$$` or `$tag$…$tag$`; undefined if no such string starts here, -1 if it has no end. */
function endOfDollarString(text: string, from: number): number | undefined {
  let at = from + 1
  if (startsWord(text.charCodeAt(at))) {
    while (at < text.length && continuesWord(text.charCodeAt(at)) && text.charCodeAt(at) !== DOLLAR) at++
  }
  if (text.charCodeAt(at) !== DOLLAR) return undefined
  const tag = text.slice(from, at + 1)
  const close = text.indexOf(tag, at + 1)
  return close === -1 ? -1 : close + tag.length
}
