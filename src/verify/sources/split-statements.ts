import { nextToken, type Token, UnterminatedError } from './sql-lexer.ts'

/** One statement of a file. */
export interface Statement {
  /** The statement without its semicolon, and without comments and blanks before it. */
  readonly text: string
  /** The line of its first word, from 1. */
  readonly line: number
  /** Its first words in lower case: `create index concurrently`. */
  readonly head: string
}

/** The content of a file: its statements in order, and the parts that were left out. */
export interface SplitFile {
  readonly statements: readonly Statement[]
  /** Number of rows in COPY … FROM stdin blocks, which are left out. */
  readonly copiedRows: number
  /** True if `pg_dump` wrote the file. */
  readonly dump: boolean
}

/** Thrown if the file can't be read as SQL. Lines count from 1. */
export class UnreadableSqlError extends Error {
  readonly line: number
  constructor(message: string, line: number) {
    super(message)
    this.line = line
  }
}

const HEAD_WORDS = 6
/** Since the fix of CVE-2025-8714, pg_dump writes these two commands around its output. They protect psql and do not change the schema. */
const skippedCommand = /^\\(?:un)?restrict(?:\s|$)/

/**
 * Cuts a file into statements as psql does: at semicolons outside strings, comments, parentheses and BEGIN ATOMIC bodies.
 *
 * @throws {UnreadableSqlError} on a psql command other than `\restrict` and `\unrestrict`, and on text without an end
 */
export function splitStatements(text: string): SplitFile {
  const lines = new LineCounter(text)
  const statements: Statement[] = []
  let copiedRows = 0
  let reader = new StatementReader()
  let at = 0
  for (;;) {
    const token = readToken(text, at, lines)
    if (token === undefined) break
    at = token.end
    if (token.kind === 'backslash') {
      at = skipCommand(text, token, lines)
      continue
    }
    if (!reader.endsWith(token)) {
      reader.add(token)
      continue
    }
    const statement = reader.finish(text, token.start, lines)
    reader = new StatementReader()
    if (statement === undefined) continue
    if (isCopyFromStdin(statement)) {
      const block = skipCopyBlock(text, at, lines.lineAt(token.start))
      copiedRows += block.rows
      at = block.end
    } else statements.push(statement)
  }
  const last = reader.finish(text, text.length, lines)
  if (last !== undefined) {
    if (isCopyFromStdin(last)) throw new UnreadableSqlError('COPY … FROM stdin without its rows', last.line)
    statements.push(last)
  }
  return { statements, copiedRows, dump: /^-- PostgreSQL database dump\s*$/m.test(text) }
}

/** Counts lines. It only moves forward, so that a long file is read once. */
class LineCounter {
  readonly #text: string
  #at = 0
  #line = 1

  constructor(text: string) {
    this.#text = text
  }

  lineAt(offset: number): number {
    if (offset < this.#at) {
      this.#at = 0
      this.#line = 1
    }
    for (let next = this.#text.indexOf('\n', this.#at); next !== -1 && next < offset; ) {
      this.#line++
      this.#at = next + 1
      next = this.#text.indexOf('\n', this.#at)
    }
    return this.#line
  }
}

/** Reads one statement and keeps track of its first words, open parentheses, and the BEGIN … END of SQL bodies. */
class StatementReader {
  #start: number | undefined
  #end = 0
  readonly #head: string[] = []
  #parentheses = 0
  #bodies = 0

  add(token: Token): void {
    this.#start ??= token.start
    this.#end = token.end
    if (token.text === '(') this.#parentheses++
    else if (token.text === ')') this.#parentheses = Math.max(0, this.#parentheses - 1)
    if (token.kind !== 'word') return
    if (this.#head.length < HEAD_WORDS) this.#head.push(token.text)
    if (!/^create (or replace )?(function|procedure)\b/.test(this.#head.join(' '))) return
    if (token.text === 'begin') this.#bodies++
    else if (token.text === 'case' && this.#bodies > 0) this.#bodies++
    else if (token.text === 'end' && this.#bodies > 0) this.#bodies--
  }

  endsWith(token: Token): boolean {
    return token.text === ';' && token.kind === 'symbol' && this.#parentheses === 0 && this.#bodies === 0
  }

  finish(text: string, end: number, lines: LineCounter): Statement | undefined {
    if (this.#start === undefined) return undefined
    return {
      text: text.slice(this.#start, Math.min(end, this.#end)),
      line: lines.lineAt(this.#start),
      head: this.#head.join(' '),
    }
  }
}

function readToken(text: string, at: number, lines: LineCounter): Token | undefined {
  try {
    return nextToken(text, at)
  } catch (error) {
    if (error instanceof UnterminatedError) throw new UnreadableSqlError(error.message, lines.lineAt(error.start))
    throw error
  }
}

function skipCommand(text: string, token: Token, lines: LineCounter): number {
  const newline = text.indexOf('\n', token.start)
  const end = newline === -1 ? text.length : newline
  const command = text.slice(token.start, end).trim()
  if (skippedCommand.test(command)) return end
  throw new UnreadableSqlError(
    `${command.split(/\s/, 1)[0]} is a command of psql and no SQL; write the file without it (pg_dump --schema-only gives such a file)`,
    lines.lineAt(token.start),
  )
}

function isCopyFromStdin(statement: Statement): boolean {
  return statement.head.startsWith('copy ') && /\bfrom\s+stdin\b/i.test(statement.text)
}

/** Skips the rows of COPY … FROM stdin, up to and including the line `\.`. */
function skipCopyBlock(text: string, from: number, line: number): { readonly end: number; readonly rows: number } {
  let at = text.indexOf('\n', from)
  for (let rows = 0; at !== -1; rows++) {
    const next = text.indexOf('\n', at + 1)
    const row = text.slice(at + 1, next === -1 ? text.length : next).replace(/\r$/, '')
    if (row === '\\.') return { end: next === -1 ? text.length : next, rows }
    at = next
  }
  throw new UnreadableSqlError('The rows of COPY … FROM stdin have no end (a line of \\. alone)', line)
}
