import { addImports, dropUnusedPg, importLine, importPath } from '../code/imports.ts'
import { onlyCall, replaceSpans } from '../code/source-text.ts'
import type { ByHand, Wiring } from '../plan/init-plan.ts'
import { byHand, edit, onlySource, type WireTask } from './wire-task.ts'

const POSTGRES_JS = /(['"])drizzle-orm\/postgres-js\1/

/**
 * Gives Drizzle `wall.pool`, and adds a second instance on the entry pool. If Drizzle uses postgres.js, it is moved to pg, because the
 * wall's pool is a pool of pg.
 */
export function wireDrizzle(task: WireTask): Wiring {
  const { project, wallPath } = task
  const source = onlySource(task, /\bdrizzle\s*\(/)
  const call = source === undefined ? undefined : onlyCall(source.text, /\bdrizzle\s*\(/g)
  const lines = ['export const db = drizzle(wall.pool)', 'export const entryDb = drizzle(entryPool)']
  if (source === undefined || call === undefined)
    return byHand(source?.path ?? 'your instance of Drizzle', `give it the pool of ${wallPath}`, lines)
  const text = source.text.slice(call.start, call.end)
  const end = endOfFirst(text)
  const first = text.slice(text.indexOf('(') + 1, end).trim()
  if (!/^\w+$/.test(first) && !first.startsWith('process.env'))
    return byHand(source.path, 'give Drizzle the pool of the wall', lines)
  const rest = text.slice(end)
  const pool = onlyCall(source.text, /new (?:\w+\.)?Pool\s*\(/g)
  const overPostgresJs = POSTGRES_JS.test(source.text)
  // Other code of the file may close the pool, so the pool is replaced where it is made.
  const named = pool !== undefined && source.text.slice(0, pool.start).trimEnd().endsWith(` ${first} =`)
  const change =
    named && pool !== undefined ? { ...pool, by: 'wall.pool' } : { ...call, by: `drizzle(wall.pool${rest}` }
  const replaced = replaceSpans(source.text, [change]).replace(POSTGRES_JS, '$1drizzle-orm/node-postgres$1')
  const line = importLine(project.style, ['entryPool', 'wall'], importPath(project.style, source.path, wallPath))
  const semicolon = /;\s*$/m.test(source.text) ? ';' : ''
  const exported = project.style.modules === 'commonjs' ? 'exports.entryDb =' : 'export const entryDb ='
  const entry = `\n/** For code that runs before the tenant is known. */\n${exported} drizzle(entryPool${rest}${semicolon}\n`
  const content = `${dropUnusedPg(addImports(replaced, [line])).trimEnd()}\n${entry}`
  return {
    edits: [edit(source.path, source.text, content, 'Drizzle works on the pool that keeps tenants apart')],
    byHand: overPostgresJs ? leftOfPostgresJs(task, source.path) : [],
  }
}

function leftOfPostgresJs({ project: { manifest, packageManager } }: WireTask, path: string): readonly ByHand[] {
  const add = packageManager === 'npm' ? 'npm install pg' : `${packageManager} add pg`
  return [
    ...(manifest.hasAtRuntime('pg')
      ? []
      : [{ path: 'package.json', why: `Drizzle works on pg now, and no longer on postgres.js: ${add}`, lines: [] }]),
    {
      path,
      why: 'remove the client of postgres.js, unless other code uses it: its statements have no tenant, and run with the rights of its URL. db.execute() now returns { rows: […] } and not a list',
      lines: [],
    },
  ]
}

/**
 * The position of the comma or parenthesis after the first argument. An argument that itself contains a comma is no name, and is not
 * changed.
 */
function endOfFirst(call: string): number {
  const comma = call.indexOf(',')
  return comma < 0 ? call.length - 1 : comma
}
