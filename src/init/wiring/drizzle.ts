import { addImports, dropUnusedPg, importLine, importPath } from '../code/imports.ts'
import { endOfPart, onlyCall, replaceSpans, withoutComments } from '../code/source-text.ts'
import type { Wiring } from '../plan/init-plan.ts'
import { drizzleDriver, leftOfDriver, MOVABLE, TO_PG, withPgDriver } from './drizzle-driver.ts'
import { byHand, edit, onlySource, type WireTask } from './wire-task.ts'

/**
 * Gives Drizzle `wall.pool`, and adds a second instance on the entry pool. If Drizzle uses another driver, it is moved to pg, because the
 * wall's pool is a pool of pg.
 */
export function wireDrizzle(task: WireTask): Wiring {
  const { project, wallPath } = task
  const source = onlySource(task, /\bdrizzle\s*\(/)
  const call = source === undefined ? undefined : onlyCall(withoutComments(source.text), /\bdrizzle\s*\(/g)
  if (source === undefined || call === undefined)
    return byHand(
      source?.path ?? 'your instance of Drizzle',
      `give it the pool of ${wallPath}, and keep your options, such as { schema }. ${TO_PG}`,
      linesOf((pool) => `drizzle(${pool}, { … })`),
    )
  const text = source.text.slice(call.start, call.end)
  const driver = drizzleDriver(source.text)
  const made = onPool(text)
  const lines = linesOf(made ?? ((pool) => `drizzle(${pool}, { … })`))
  if (driver === undefined || (driver.name !== 'node-postgres' && !(MOVABLE.has(driver.name) && driver.isAlone)))
    return byHand(
      source.path,
      `give Drizzle the pool of the wall. ${driver === undefined ? '' : `It works on ${driver.name} here. `}${TO_PG}`,
      lines,
    )
  if (made === undefined) return byHand(source.path, 'give Drizzle the pool of the wall, and keep your options', lines)
  const pool = onlyCall(withoutComments(source.text), /new (?:\w+\.)?Pool\s*\(/g)
  // Other code of the file may close the pool, so the pool is replaced where it is made.
  const named =
    pool !== undefined &&
    source.text
      .slice(0, pool.start)
      .trimEnd()
      .endsWith(` ${firstOf(text)} =`)
  const change = named && pool !== undefined ? { ...pool, by: 'wall.pool' } : { ...call, by: made('wall.pool') }
  const replaced = withPgDriver(replaceSpans(source.text, [change]), driver)
  const line = importLine(project.style, ['entryPool', 'wall'], importPath(project.style, source.path, wallPath))
  const semicolon = /;\s*$/m.test(source.text) ? ';' : ''
  const exported = project.style.modules === 'commonjs' ? 'exports.entryDb =' : 'export const entryDb ='
  const entry = `\n/** For code that runs before the tenant is known. */\n${exported} ${made('entryPool')}${semicolon}\n`
  const content = `${dropUnusedPg(addImports(replaced, [line])).trimEnd()}\n${entry}`
  return {
    edits: [edit(source.path, source.text, content, 'Drizzle works on the pool that keeps tenants apart')],
    byHand: driver.name === 'node-postgres' ? [] : leftOfDriver(task, source.path, driver),
  }
}

function linesOf(made: (pool: string) => string): readonly string[] {
  return [`export const db = ${made('wall.pool')}`, `export const entryDb = ${made('entryPool')}`]
}

/** The text of the first argument. */
function firstOf(call: string): string {
  const start = call.indexOf('(') + 1
  return call.slice(start, endOfPart(call, start)).trim()
}

/** A name such as `client` or `env.DATABASE_URL!`, a string, or a call that makes a client, such as `neon(url)` or `new Pool({ … })`. */
const CONNECTION = /^(?:new\s+)?[\w.]+!?(?:\([\s\S]*\))?!?$|^process\.env\b|^['"`]/

/**
 * The call with another pool in place of its connection. All other arguments and options stay. Undefined if it is not known which part is the
 * connection.
 */
function onPool(call: string): ((pool: string) => string) | undefined {
  const start = call.indexOf('(') + 1
  const end = endOfPart(call, start)
  if (end === undefined) return undefined
  const first = firstOf(call)
  if (CONNECTION.test(first)) return (pool) => `drizzle(${pool}${call.slice(end)}`
  if (!first.startsWith('{')) return undefined
  // drizzle({ client, schema }) and drizzle({ connection: url, schema })
  for (let at = call.indexOf('{', start) + 1; at < end; ) {
    const stop = endOfPart(call, at)
    if (stop === undefined) return undefined
    const property = call.slice(at, stop)
    if (/^\s*(?:client|connection)\s*(?::|$)/.test(property)) {
      const from = at + (/^\s*/.exec(property)?.[0].length ?? 0)
      const to = at + property.trimEnd().length
      return (pool) => `drizzle${call.slice(start - 1, from)}client: ${pool}${call.slice(to)}`
    }
    at = stop + 1
  }
  return undefined
}
