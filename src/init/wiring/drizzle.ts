import { addImports, dropUnusedPg, importLine, importPath } from '../code/imports.ts'
import { onlyCall, replaceSpans } from '../code/source-text.ts'
import type { Wiring } from '../plan/init-plan.ts'
import { byHand, edit, onlySource, type WireTask } from './wire-task.ts'

/** Drizzle gets `wall.pool`, and a second instance on the entry pool. */
export function wireDrizzle(task: WireTask): Wiring {
  const { project, wallPath } = task
  const source = onlySource(task, /\bdrizzle\s*\(/)
  const call = source === undefined ? undefined : onlyCall(source.text, /\bdrizzle\s*\(/g)
  const lines = ['export const db = drizzle(wall.pool)', 'export const entryDb = drizzle(entryPool)']
  if (source === undefined || call === undefined) return byHand(wallPath, 'give Drizzle the pool of the wall', lines)
  const text = source.text.slice(call.start, call.end)
  const end = endOfFirst(text)
  const first = text.slice(text.indexOf('(') + 1, end).trim()
  if (!/^\w+$/.test(first) && !first.startsWith('process.env'))
    return byHand(source.path, 'give Drizzle the pool of the wall', lines)
  const rest = text.slice(end)
  const pool = onlyCall(source.text, /new (?:\w+\.)?Pool\s*\(/g)
  // The pool of the file may be closed elsewhere in it, so it is replaced where it is made.
  const named = pool !== undefined && source.text.slice(0, pool.start).trimEnd().endsWith(` ${first} =`)
  const change =
    named && pool !== undefined ? { ...pool, by: 'wall.pool' } : { ...call, by: `drizzle(wall.pool${rest}` }
  const replaced = replaceSpans(source.text, [change])
  const line = importLine(project.style, ['entryPool', 'wall'], importPath(project.style, source.path, wallPath))
  const semicolon = /;\s*$/m.test(source.text) ? ';' : ''
  const exported = project.style.modules === 'commonjs' ? 'exports.entryDb =' : 'export const entryDb ='
  const entry = `\n/** For code that runs before the tenant is known. */\n${exported} drizzle(entryPool${rest}${semicolon}\n`
  const content = `${dropUnusedPg(addImports(replaced, [line])).trimEnd()}\n${entry}`
  return {
    edits: [edit(source.path, source.text, content, 'Drizzle works on the pool that keeps tenants apart')],
    byHand: [],
  }
}

/** The position of the comma or parenthesis behind the first argument. An argument with a comma of its own is no name, and is not changed. */
function endOfFirst(call: string): number {
  const comma = call.indexOf(',')
  return comma < 0 ? call.length - 1 : comma
}
