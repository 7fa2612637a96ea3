import { WordReader } from './statement-text.ts'

/**
 * What a statement is, as far as the tenant's context depends on it.
 *
 * `data` may touch rows and needs the context in front; the control kinds carry no data and must not have it: it takes a
 * snapshot (SET TRANSACTION would fail) and can't run in an aborted transaction (ROLLBACK would never run). `other` is refused
 * unless `allowStatements` names its command.
 */
export type StatementKind =
  | 'data'
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
const CURSOR = new Set(['FETCH', 'MOVE', 'CLOSE'])
const EXPLAIN_WORDS = new Set(['ANALYZE', 'ANALYSE', 'VERBOSE'])
const usual = /^(?:select|insert|update|delete|with)[ \n\t(]/i

/**
 * Tells the kind of a statement by its command, reading comments as PostgreSQL does. On a doubt: `other`.
 *
 * Sound only for one statement: the extended protocol, which the pool always uses, makes the server refuse a second one.
 */
export function statementKind(text: string): StatementKind {
  if (usual.test(text)) return 'data'
  const words = new WordReader(text)
  const kind = kindOfCommand(words)
  return words.broken ? 'other' : kind
}

/** The command of a statement in upper case, for messages and for `allowStatements`; '' where it can't be read. */
export function statementCommand(text: string): string {
  const words = new WordReader(text)
  const command = words.next(true)
  return words.broken ? '' : command
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

/** `(select …)`, a text without a statement, or something that is no word. */
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

/** Names that decide who the tenant is: the context sets them, no statement does. */
const PINNED = /^(?:role|session_authorization|app\.|partywall\.)/i

function setKind(words: WordReader): StatementKind {
  const scope = words.next()
  if (scope === 'TRANSACTION' || scope === 'CONSTRAINTS') return 'set-transaction'
  if (scope !== 'LOCAL') return 'other'
  const name = words.peek()
  const rest = words.rest().trimStart()
  return name === '' || !/^[a-z_]/i.test(rest) || PINNED.test(rest) || /^session\s/i.test(rest) ? 'other' : 'set-local'
}

function explainKind(words: WordReader): StatementKind {
  if (words.peek() === '(' && !words.skipParentheses()) return 'other'
  let next = words.next()
  while (EXPLAIN_WORDS.has(next)) next = words.next()
  return ROWS.has(next) ? 'data' : 'other'
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

/** Copy streams use the simple protocol: a semicolon could stack a second statement, so none is let through but the last character. */
function copyKind(words: WordReader): StatementKind {
  const rest = words.rest()
  if (/;(?!\s*$)/.test(rest)) return 'other'
  const trimmed = rest.trimStart()
  if (trimmed.startsWith('(')) return 'copy-to'
  const direction =
    /^(?:binary\s+)?(?:[\w$]+|"[^"]+")(?:\s*\.\s*(?:[\w$]+|"[^"]+"))*\s*(?:\([^()]*\))?\s*(to|from)\b/i.exec(trimmed)
  if (direction === null) return 'other'
  return direction[1]?.toLowerCase() === 'to' ? 'copy-to' : 'copy-from'
}
