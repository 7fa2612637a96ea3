import { splitStatements } from '../verify/sources/split-statements.ts'

const CODE = 'a trial calls no function: whoever calls it may meet an error, or get less'
const ROLES = 'a trial does not act as every role: what its sessions do afterwards was not tried'

/** Statements whose effect a trial can't show, with the reason. A trial only runs statements on tables and views. */
const BEYOND: readonly (readonly [RegExp, string])[] = [
  [/^alter\s+(?:function|procedure|routine)\b.*\bsecurity\s+(?:invoker|definer)\b/is, CODE],
  [/^drop\s+(?:function|procedure|routine|aggregate)\b/i, CODE],
  [/^revoke\b.*\bon\s+(?:all\s+)?(?:functions?|procedures?|routines?)\b/is, CODE],
  [/^drop\s+(?:rule|trigger|view|materialized\s+view)\b/i, 'what it does for the application was not tried'],
  [/^alter\s+(?:role|user)\b/i, ROLES],
  [/^alter\s+database\b.*\breset\b/is, 'connections that start with this setting were not tried'],
  [/^alter\s+default\s+privileges\b/i, 'tables made afterwards have no such right, and migrations may count on it'],
]

/** Why no trial can show that a fix is harmless. Undefined if a trial can. */
export function beyondTrial(fix: string): string | undefined {
  for (const { text } of splitStatements(fix).statements) {
    if (/^revoke\b/i.test(text) && !/\son\s/i.test(text)) return ROLES
    const found = BEYOND.find(([pattern]) => pattern.test(text))
    if (found !== undefined) return found[1]
  }
  return undefined
}
