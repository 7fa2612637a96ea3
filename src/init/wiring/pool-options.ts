import { importsOf } from '../code/reached-files.ts'
import type { ByHand } from '../plan/init-plan.ts'
import type { WireTask } from './wire-task.ts'

/** Options of pg.Pool that are no part of the connection string, with their value if it is a number or a literal of true or false. */
const OPTION =
  /\b(max|min|idleTimeoutMillis|connectionTimeoutMillis|maxUses|maxLifetimeSeconds|allowExitOnIdle|keepAlive|statement_timeout|query_timeout|lock_timeout|idle_in_transaction_session_timeout|application_name)\s?:\s?(?:(\d[\d_]{0,15}|true|false)\s?[,}\n])?/g

/** The options that the application gave its pool, and that the pool of the wall does not have. */
export function lostOptions(
  { files, wallPath }: WireTask,
  { path, text }: { readonly path: string; readonly text: string },
  { start, end }: { readonly start: number; readonly end: number },
): readonly ByHand[] {
  const call = text.slice(start, end)
  const name = /\(\s*(\w+)\s*\)$/.exec(call)?.[1]
  const isOf = (each: string) => each.split(/\W+/).some((word) => word === name)
  const texts =
    name === undefined ? [call] : [text, ...importsOf(files, path).map((each) => files.read(each) ?? '')].filter(isOf)
  const found = new Map(
    texts.flatMap((each) => [...each.matchAll(OPTION)].map(([, option = '', value]) => [option, value] as const)),
  )
  if (found.size === 0) return []
  const list = [...found].map(([option, value]) => (value === undefined ? option : `${option}: ${value}`)).join(', ')
  const rest = name === undefined ? '' : `. If no other code uses ${name}, remove its import from ${path}`
  return [
    {
      path: wallPath,
      why: `the pool of ${path} had the options ${list}. The pool of the wall does not have them: add those that you need to database, beside url. Its timeouts are statementTimeoutMs, lockTimeoutMs and idleInTransactionTimeoutMs${rest}`,
      lines: [],
    },
  ]
}
