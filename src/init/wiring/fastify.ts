import { addImports, importLine, importPath } from '../code/imports.ts'
import { replaceSpans } from '../code/source-text.ts'
import { findTokenCookie } from '../detection/token-cookie.ts'
import type { Wiring } from '../plan/init-plan.ts'
import { byHand, edit, onlySource, type WireTask } from './wire-task.ts'

/** `secured.addHook('onRequest', secured.authenticate)`: the application's check of who is calling. */
const GATE =
  /^([ \t]*)(?:await )?(\w+)\.addHook\(\s*['"](?:onRequest|preHandler|preValidation)['"],\s*[\w.]*(?:auth|jwt|session|login)[\w.]*\s*\);?[ \t]*$/gim

/** Registers partywall's plugin in the scope whose requests need a sign-in. */
export function wireFastify(task: WireTask): Wiring {
  const { project, wallPath } = task
  const hasCookie = findTokenCookie(task.files) !== undefined
  const options = hasCookie ? '{ wall, token: tokenOf }' : '{ wall }'
  const source = onlySource(task, GATE)
  const gates = source === undefined ? [] : [...source.text.matchAll(GATE)]
  const [gate] = gates
  if (source === undefined || gate === undefined || gates.length !== 1)
    return byHand(
      'your application',
      'register the plugin in the scope of the routes of tenants, not around sign-in and health checks. A health check that asks the database uses entryPool',
      [
        "import { partywallPlugin } from 'partywall/fastify'",
        `app.register(partywallPlugin, ${options})   // ${hasCookie ? 'wall and tokenOf are' : 'wall is'} in ${wallPath}`,
      ],
    )
  const [whole, indent = '', app = 'app'] = gate
  const end = gate.index + whole.length
  const semicolon = whole.trimEnd().endsWith(';') ? ';' : ''
  const by = `\n${indent}await ${app}.register(partywallPlugin, ${options})${semicolon}`
  const imports = [
    importLine(project.style, ['partywallPlugin'], 'partywall/fastify'),
    importLine(
      project.style,
      hasCookie ? ['tokenOf', 'wall'] : ['wall'],
      importPath(project.style, source.path, wallPath),
    ),
  ]
  const content = addImports(replaceSpans(source.text, [{ start: end, end, by }]), imports)
  return { edits: [edit(source.path, source.text, content, 'requests get the context of their tenant')], byHand: [] }
}
