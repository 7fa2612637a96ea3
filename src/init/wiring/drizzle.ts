import { addImports, dropUnusedImport, importLine, importPath } from '../code/imports.ts'
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
  const first = /^drizzle\s*\(\s*(\w+|process\.env\.\w+(?:\s*(?:\?\?|!|as)[^,)]*)?)\s*(?=[,)])/.exec(text)
  if (first === null) return byHand(source.path, 'give Drizzle the pool of the wall', lines)
  const rest = text.slice(first[0].length)
  const pool = onlyCall(source.text, /new (?:\w+\.)?Pool\s*\(/g)
  // The pool of the file may be closed elsewhere in it, so it is replaced where it is made.
  const named = pool !== undefined && new RegExp(`\\b${first[1]}\\s*=\\s*$`).test(source.text.slice(0, pool.start))
  const change =
    named && pool !== undefined ? { ...pool, by: 'wall.pool' } : { ...call, by: `drizzle(wall.pool${rest}` }
  const replaced = replaceSpans(source.text, [change])
  const line = importLine(project.style, ['entryPool', 'wall'], importPath(project.style, source.path, wallPath))
  const semicolon = /;\s*$/m.test(source.text) ? ';' : ''
  const exported = project.style.modules === 'commonjs' ? 'exports.entryDb =' : 'export const entryDb ='
  const entry = `\n/** For code that runs before the tenant is known. */\n${exported} drizzle(entryPool${rest}${semicolon}\n`
  const content = `${dropUnusedImport(addImports(replaced, [line]), 'pg').trimEnd()}\n${entry}`
  return {
    edits: [edit(source.path, source.text, content, 'Drizzle works on the pool that keeps tenants apart')],
    byHand: [],
  }
}
