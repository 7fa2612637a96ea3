import type { DatabaseFunction } from '../catalog/model.ts'
import { splitStatements } from '../verify/sources/split-statements.ts'

const CODE = 'a trial calls no functions: callers of this one may get an error or fewer rows'
const KEYS = 'values that were unique over all tenants may occur twice, and ON CONFLICT on the old key fails'
const ROLES = 'a trial does not act as every role: sessions of this one were not tried'

/** Statements whose effect a trial can't show, with the reason. A trial only runs statements on tables and views. */
const BEYOND: readonly (readonly [RegExp, string])[] = [
  [/^alter\s+(?:function|procedure|routine)\b.*\bsecurity\s+(?:invoker|definer)\b/is, CODE],
  [/^drop\s+(?:function|procedure|routine|aggregate)\b/i, CODE],
  [/^revoke\b.*\bon\s+(?:all\s+)?(?:functions?|procedures?|routines?)\b/is, CODE],
  [/^drop\s+(?:rule|trigger|view|materialized\s+view)\b/i, 'its effect on the application was not tried'],
  [/^alter\s+(?:role|user)\b/i, ROLES],
  [/^alter\s+database\b.*\breset\b/is, 'connections that start with this setting were not tried'],
  [/^alter\s+default\s+privileges\b/i, 'tables created later get no such right, and migrations may rely on it'],
]

/**
 * These functions reach no row, so a REVOKE is harmless if no function of the database calls them.
 *
 * @see PostgreSQL manual, "Server Signaling Functions"
 */
const SIGNALS: ReadonlySet<string> = new Set(['pg_catalog.pg_terminate_backend', 'pg_catalog.pg_cancel_backend'])

/**
 * The reason why a trial can't show that a fix takes nothing away. Undefined if a trial can show it.
 *
 * @param functions the functions of the database, which may call a revoked function of the server
 */
export function beyondTrial(fix: string, functions: Iterable<DatabaseFunction>): string | undefined {
  for (const { text } of splitStatements(fix).statements) {
    if (/^revoke\b/i.test(text) && !/\son\s/i.test(text)) return ROLES
    if (/^alter\s+table\b/i.test(text) && /\bdrop\s+constraint\b/i.test(text) && /\bunique\b/i.test(text)) return KEYS
    const found = BEYOND.find(([pattern]) => pattern.test(text))
    if (found !== undefined && !(found[1] === CODE && isUncalledSignal(text, functions))) return found[1]
  }
  return undefined
}

function isUncalledSignal(statement: string, functions: Iterable<DatabaseFunction>): boolean {
  if (!/^revoke\b/i.test(statement)) return false
  const named = statement.match(/[\w.]{1,128}(?=\()/g) ?? []
  if (named.length === 0 || !named.every((name) => SIGNALS.has(name))) return false
  return ![...functions].some(({ source }) => /pg_(?:terminate|cancel)_backend/i.test(source))
}
