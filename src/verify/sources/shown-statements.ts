import type { SourceStatement } from './prepared-source.ts'
import type { Statement } from './split-statements.ts'
import { nextToken } from './sql-lexer.ts'

/** Statements that store rows. Their values may be data of customers. */
const STORES = /^(?:insert\s+into|update|delete\s+from|merge\s+into|copy)\s+(?:only\s+)?(?:"[^"]*"|[\w.])+/i

/** Statements whose strings may be data or secrets, and that define no object: queries, calls, and settings of roles, databases and servers. */
const TELLS =
  /^(?:select|with|values|call|execute|set|reset|notify)\b|^alter\s+(?:role|user|database|system)\b|^(?:create|alter)\s+(?:role|user|group|subscription|server|foreign)\b/i

/**
 * Statements as a report may show them, without comments before them. Rows, passwords and values of settings are left out, because not
 * every reader of a report may see them.
 */
export function shownStatements(statements: readonly Statement[]): readonly SourceStatement[] {
  return statements.map(({ line, text }) => ({ line, text: shown(text) }))
}

function shown(text: string): string {
  const stores = STORES.exec(text)
  if (stores !== null) return `${stores[0]} … -- data left out`
  return withoutPasswords(TELLS.test(text) ? withoutStrings(text) : text)
}

/** Leaves out passwords inside the code of functions and DO blocks, and in connection strings. */
function withoutPasswords(text: string): string {
  return (
    text
      // Quotes are doubled inside of strings, so the end of a password is not known: the rest of the line is left out.
      .replace(
        /\b(password|secret|token)(\s{0,9}(?:=|:=|=>|to)?\s{0,9})E?'[^\n]*/gi,
        "$1$2'…' -- rest of the line left out",
      )
      .replace(/\b(password|secret|token)=[^\s'&]+/gi, '$1=…')
      .replace(/:\/\/[^\s'/@]*@/g, '://…@')
  )
}

function withoutStrings(text: string): string {
  let result = ''
  let at = 0
  for (let token = nextToken(text, 0); token !== undefined; token = nextToken(text, token.end)) {
    if (token.kind !== 'string') continue
    result += `${text.slice(at, token.start)}'…'`
    at = token.end
  }
  return result + text.slice(at)
}
