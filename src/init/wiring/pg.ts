import { addImports, dropUnusedPg, importLine, importPath } from '../code/imports.ts'
import { onlyCall, replaceSpans } from '../code/source-text.ts'
import type { Wiring } from '../plan/init-plan.ts'
import { lostOptions } from './pool-options.ts'
import { byHand, edit, onlySource, type WireTask } from './wire-task.ts'

const NEW_POOL = /new (?:\w+\.)?Pool\s*\(/g

/** `new pg.Pool({ … })` becomes `wall.pool`. */
export function wirePg(task: WireTask): Wiring {
  const { project, wallPath } = task
  const source = onlySource(task, /new (?:\w+\.)?Pool\s*\(/)
  const call = source === undefined ? undefined : onlyCall(source.text, NEW_POOL)
  if (source === undefined || call === undefined)
    return byHand(wallPath, 'replace each new pg.Pool(…) of your application by wall.pool', ['const pool = wall.pool'])
  const replaced = replaceSpans(source.text, [{ ...call, by: 'wall.pool' }])
  const line = importLine(project.style, ['wall'], importPath(project.style, source.path, wallPath))
  const content = dropUnusedPg(addImports(replaced, [line]))
  return {
    edits: [edit(source.path, source.text, content, 'the pool keeps tenants apart')],
    byHand: lostOptions(task, source, call),
  }
}
