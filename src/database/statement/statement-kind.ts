import { selectsInto } from './select-into.ts'
import { type SqlToken, sqlTokens } from './sql-tokens.ts'
import { WordReader } from './statement-text.ts'

/**
 * The kind of a statement, as far as the tenant's context depends on it.
 *
 * - `data` may read or write rows and needs the context in front.
 * - The control kinds have no data and must not have the context in front. The context statement takes a snapshot, so SET TRANSACTION would
 *   fail. It also can't run in an aborted transaction, so ROLLBACK would never run.
 * - `explain` is refused unless `allowStatements` names EXPLAIN: a plan counts rows of other tenants.
 * - `other` is refused unless `allowStatements` names its command.
 */
export type StatementKind =
  | 'data'
  | 'explain'
  | 'begin'
  | 'commit'
  | 'rollback'
  | 'rollback-to'
  | 'savepoint'
  | 'release'
  | 'set-transaction'
  | 'set-local'
  | 'show'
  | 'empty'
  | 'copy-to'
  | 'copy-from'
  | 'other'

const ROWS = new Set(['SELECT', 'WITH', 'VALUES', 'TABLE', 'INSERT', 'UPDATE', 'DELETE', 'MERGE'])
/** Commands that can be a `SELECT … INTO`. */
const QUERIES = new Set(['SELECT', 'WITH', 'EXPLAIN'])
const CURSOR = new Set(['FETCH', 'MOVE', 'CLOSE'])
const EXPLAIN_WORDS = new Set(['ANALYZE', 'ANALYSE', 'VERBOSE'])
const usual = /^(?:(select|with)|insert|update|delete)[ \n\t(]/i

/**
 * Tells the kind of a statement by its command, reading comments as PostgreSQL does. In doubt: `other`.
 *
 * The answer is right only for a text with one statement. The extended protocol, which the pool always uses, makes the server refuse a
 * second statement.
 */
export function statementKind(text: string): StatementKind {
  const [beginning, query] = usual.exec(text) ?? []
  if (beginning !== undefined) return query !== undefined && selectsInto(text) ? 'other' : 'data'
  const words = new WordReader(text)
  const kind = kindOfCommand(words)
  if (words.broken || ((kind === 'data' || kind === 'explain') && selectsInto(text))) return 'other'
  return kind
}

/**
 * The command of a statement in upper case, for messages and for `allowStatements`; '' where it can't be read. `SELECT … INTO` is
 * a `CREATE`.
 */
export function statementCommand(text: string): string {
  const words = new WordReader(text)
  const command = words.next(true)
  if (words.broken) return ''
  return QUERIES.has(command) && selectsInto(text) ? 'CREATE' : command
}

/**
 * Whether the text is a query or a write. The server can keep the plan of such a statement, and while it does, the columns stay the same.
 * False for FETCH, because its columns are those of its cursor.
 */
export function isQueryOrWrite(text: string): boolean {
  return ROWS.has(statementCommand(text))
}

function kindOfCommand(words: WordReader): StatementKind {
  const command = words.next()
  if (ROWS.has(command)) return 'data'
  if (CURSOR.has(command)) return 'data'
  switch (command) {
    case '':
      return kindWithoutCommand(words)
    case 'BEGIN':
    case 'START':
      return 'begin'
    case 'COMMIT':
    case 'END':
      return words.next() === 'PREPARED' ? 'other' : 'commit'
    case 'ROLLBACK':
    case 'ABORT':
      return rollbackKind(words)
    case 'SAVEPOINT':
      return 'savepoint'
    case 'RELEASE':
      return 'release'
    case 'SHOW':
      return 'show'
    case 'SET':
      return setKind(words)
    case 'EXPLAIN':
      return explainKind(words)
    case 'DECLARE':
      return declareKind(words)
    case 'COPY':
      return copyKind(words)
    default:
      return 'other'
  }
}

/** The kind of a text that does not begin with a word: `(select …)`, a text without a statement, or anything else. */
function kindWithoutCommand(words: WordReader): StatementKind {
  const first = words.peek()
  if (first === '' || (first === ';' && words.rest().replace(/[;\s]/g, '') === '')) return 'empty'
  return first === '(' && ROWS.has(words.next(true)) ? 'data' : 'other'
}

function rollbackKind(words: WordReader): StatementKind {
  let next = words.next()
  if (next === 'PREPARED') return 'other'
  if (next === 'WORK' || next === 'TRANSACTION') next = words.next()
  return next === 'TO' ? 'rollback-to' : 'rollback'
}

/** Settings that decide for which tenant a statement runs. Only the context may set them; a statement must not. */
const PINNED = /^(?:role|session_authorization|app\..*|partywall\..*)$/i
/** Spellings of SET LOCAL without `=` and TO. */
const WITHOUT_EQUALS = new Set(['TIME ZONE', 'SCHEMA', 'NAMES', 'XML OPTION'])

function setKind(words: WordReader): StatementKind {
  const scope = words.next()
  if (scope === 'TRANSACTION' || scope === 'CONSTRAINTS') return 'set-transaction'
  if (scope !== 'LOCAL') return 'other'
  const tokens = sqlTokens(words.rest(), { backslashEscapes: false })
  return tokens !== undefined && setsHarmlessName(tokens) ? 'set-local' : 'other'
}

/** Only plain ASCII names are read: `U&"r\006fle"` and `"role"` are names of `role`, too. */
function setsHarmlessName(tokens: readonly SqlToken[]): boolean {
  const name: string[] = []
  for (const { kind, text } of tokens) {
    const isPart = text === '.' || (kind === 'word' && /^[A-Z_][A-Z0-9_$]*$/.test(text) && text !== 'TO')
    if (!isPart) break
    name.push(text)
  }
  const next = tokens[name.length]?.text
  if (next === '=' || next === 'TO') return name.length > 0 && !PINNED.test(name.join(''))
  return WITHOUT_EQUALS.has(name.slice(0, 2).join(' ')) || WITHOUT_EQUALS.has(name[0] ?? '')
}

function explainKind(words: WordReader): StatementKind {
  if (words.peek() === '(' && !words.skipParentheses()) return 'other'
  let next = words.next()
  while (EXPLAIN_WORDS.has(next)) next = words.next()
  if (next === '' && words.peek() === '(') next = words.next(true)
  return ROWS.has(next) ? 'explain' : 'other'
}

/** Only a cursor WITHOUT HOLD ends with its transaction. */
function declareKind(words: WordReader): StatementKind {
  if (words.next() === '') return 'other'
  for (let count = 0; count < 5; count++) {
    if (words.next() !== 'CURSOR') continue
    const next = words.next()
    if (next === 'FOR') return 'data'
    return next === 'WITHOUT' && words.next() === 'HOLD' && words.next() === 'FOR' ? 'data' : 'other'
  }
  return 'other'
}

/**
 * Copy streams use the simple protocol: a semicolon could stack a second statement, so it is allowed only at the end.
 */
function copyKind(words: WordReader): StatementKind {
  const rest = words.rest()
  const kind = copyDirection(sqlTokens(rest, { backslashEscapes: false }))
  if (!rest.includes('\\')) return kind
  // In a session with standard_conforming_strings = off, a string with a backslash ends at another place.
  return copyDirection(sqlTokens(rest, { backslashEscapes: true })) === kind ? kind : 'other'
}

function copyDirection(tokens: readonly SqlToken[] | undefined): StatementKind {
  if (tokens === undefined) return 'other'
  const stacked = tokens.findIndex(({ text }) => text === ';')
  if (stacked !== -1 && stacked !== tokens.length - 1) return 'other'
  let at = 0
  if (tokens[0]?.text === '(') {
    return tokens[endOfGroup(tokens, 0)]?.text === 'TO' ? 'copy-to' : 'other'
  }
  if (tokens[0]?.text === 'BINARY' && isName(tokens[1])) at = 1
  if (!isName(tokens[at++])) return 'other'
  while (tokens[at]?.text === '.') {
    if (!isName(tokens[at + 1])) return 'other'
    at += 2
  }
  if (tokens[at]?.text === '(') at = endOfGroup(tokens, at)
  const direction = tokens[at]?.text
  if (direction === 'TO') return 'copy-to'
  return direction === 'FROM' ? 'copy-from' : 'other'
}

function isName(token: SqlToken | undefined): boolean {
  return token !== undefined && (token.kind === 'word' || token.kind === 'quoted')
}

/** The place after the parenthesis that closes the one at `from`; after the last token if it is not closed. */
function endOfGroup(tokens: readonly SqlToken[], from: number): number {
  let depth = 0
  for (let at = from; at < tokens.length; at++) {
    if (tokens[at]?.text === '(') depth++
    else if (tokens[at]?.text === ')' && --depth === 0) return at + 1
  }
  return tokens.length
}
