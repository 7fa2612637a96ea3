import { type SqlToken, sqlTokens } from './sql-tokens.ts'

const VERBS = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE', 'VALUES', 'TABLE'])
/** Words after which the next word of a WITH clause is a name: `SEARCH DEPTH FIRST BY insert SET update`. */
const NAME_FOLLOWS = new Set([',', 'BY', 'SET', 'USING', 'CYCLE', 'TO', 'DEFAULT', 'WITH', 'RECURSIVE', 'AS', '.'])

/**
 * Whether a query is `SELECT … INTO`, which is a CREATE TABLE by another name. In doubt: true.
 *
 * Such an INTO is in the outermost SELECT: PostgreSQL refuses it everywhere else. INTO is a reserved word, so without quotes
 * it can only be that clause, the INTO of an INSERT or MERGE, or a name after AS or a dot.
 *
 * @param text a statement that begins with SELECT, WITH or an opening parenthesis, or an EXPLAIN of such a statement
 * @see PostgreSQL "SELECT INTO"
 */
export function selectsInto(text: string): boolean {
  if (!/into/i.test(text)) return false
  if (reads(text, false)) return true
  // In a session with standard_conforming_strings = off, a plain string with a backslash ends at another place.
  return text.includes('\\') && reads(text, true)
}

function reads(text: string, backslashEscapes: boolean): boolean {
  const all = sqlTokens(text, { backslashEscapes })
  if (all === undefined) return true
  const tokens = withoutExplain(all)
  const outer = tokens.findIndex(({ text: mark }) => mark !== '(')
  let depth = 0
  let verb: SqlToken | undefined
  let before: SqlToken | undefined
  let labelled = false
  for (const token of tokens) {
    const isLabel: boolean = labelled
    labelled = !isLabel && (token.text === 'AS' || token.text === '.')
    if (token.text === '(') depth++
    else if (token.text === ')') depth--
    else if (depth <= outer && !isLabel) {
      const ofVerb = verb === before && (verb?.text === 'INSERT' || verb?.text === 'MERGE')
      if (token.text === 'INTO' && !ofVerb) return true
      if (verb === undefined && VERBS.has(token.text) && !NAME_FOLLOWS.has(before?.text ?? '')) verb = token
    }
    before = token
  }
  return false
}

/** The tokens behind EXPLAIN and its options in parentheses. */
function withoutExplain(tokens: readonly SqlToken[]): readonly SqlToken[] {
  if (tokens[0]?.text !== 'EXPLAIN') return tokens
  if (tokens[1]?.text !== '(') return tokens.slice(1)
  const close = tokens.findIndex(({ text }) => text === ')')
  return close === -1 ? tokens : tokens.slice(close + 1)
}
