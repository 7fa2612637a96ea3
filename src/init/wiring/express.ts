import { addImports, importLine, importPath } from '../code/imports.ts'
import { replaceSpans } from '../code/source-text.ts'
import type { Wiring } from '../plan/init-plan.ts'
import { byHand, edit, onlySource, type WireTask } from './wire-task.ts'

/** `app.use(requireAuth)`: a middleware of the application that checks who is calling. */
const GATE = /^([ \t]*)(\w+)\.use\((\w*(?:auth|session|login|jwt|protect)\w*)\);?[ \t]*$/gim
/** `app.use((err, req, res, next) => …)` or `app.use(errorHandler)` */
const ERRORS = /^([ \t]*)(\w+)\.use\((?:\(?\s*(?:err|error)\b|\w*error\w*\))/gim

/** Opens the tenant context after the application's own check, and answers partywall's refusals before its own error handler. */
export function wireExpress(task: WireTask): Wiring {
  const { project, wallPath } = task
  const lines = [
    'app.use(tenantContext)   // before the routes of tenants',
    'app.use(tenantErrors)    // before your own error handler',
  ]
  const source = onlySource(task, GATE)
  const gates = source === undefined ? [] : [...source.text.matchAll(GATE)]
  const [gate] = gates
  if (source === undefined || gate === undefined || gates.length !== 1)
    return byHand('your application', `mount the two middlewares of ${wallPath}`, lines)
  const [whole, indent = '', app = 'app'] = gate
  const end = gate.index + whole.length
  const semicolon = whole.trimEnd().endsWith(';') ? ';' : ''
  const errors = [...source.text.slice(end).matchAll(ERRORS)].at(-1)
  const changes = [{ start: end, end, by: `\n${indent}${app}.use(tenantContext)${semicolon}` }]
  if (errors !== undefined) {
    const at = end + errors.index
    changes.push({ start: at, end: at, by: `${errors[1] ?? ''}${errors[2] ?? app}.use(tenantErrors)${semicolon}\n` })
  }
  const line = importLine(
    project.style,
    ['tenantContext', 'tenantErrors'],
    importPath(project.style, source.path, wallPath),
  )
  const content = addImports(replaceSpans(source.text, changes), [line])
  const left = errors === undefined ? byHand(source.path, 'mount it after the routes', lines.slice(1)).byHand : []
  return { edits: [edit(source.path, source.text, content, 'requests get the context of their tenant')], byHand: left }
}
