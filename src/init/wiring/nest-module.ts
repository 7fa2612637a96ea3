import { addImports, importLine, importPath } from '../code/imports.ts'
import { onlyCall, replaceSpans } from '../code/source-text.ts'
import { findTokenCookie } from '../detection/token-cookie.ts'
import type { Wiring } from '../plan/init-plan.ts'
import type { ProjectFiles } from '../project-files.ts'
import { byHand, edit, sourcesWith, type WireTask } from './wire-task.ts'

/** The call that imports the module, and the names that the file of the wall exports for the call. */
interface ModuleCall {
  readonly call: string
  readonly names: readonly string[]
}

export function moduleCall(files: ProjectFiles): ModuleCall {
  const hasCookie = findTokenCookie(files) !== undefined
  const answersBrowsers = allowsOtherOrigins(files)
  const options = [
    'wall',
    'exclude: isPublic',
    ...(hasCookie ? ['token: tokenOf'] : []),
    ...(answersBrowsers ? ["mount: 'after-app-use'"] : []),
  ]
  return {
    call: `PartywallModule.forRoot({ ${options.join(', ')} })`,
    names: ['isPublic', ...(hasCookie ? ['tokenOf'] : []), 'wall'],
  }
}

/** Whether browsers on other origins call the application: they first send OPTIONS, and can read an answer only if it has CORS headers. */
export function allowsOtherOrigins(files: ProjectFiles): boolean {
  return files.find(/\.[cm]?[jt]s$/).some((path) => /enableCors|\bcors:/.test(files.read(path) ?? ''))
}

/** Adds partywall's module to the root module, which `NestFactory.create` names. */
export function wireModule(task: WireTask): Wiring {
  const { project, wallPath } = task
  const { call, names } = moduleCall(task.files)
  const root = rootModule(task)
  const place = root === undefined ? undefined : insertion(root.text, call)
  if (root === undefined || place === undefined)
    return byHand(root?.path ?? 'your root module', 'import the module', [`imports: [${call}, …]`])
  const imports = [
    importLine(project.style, ['PartywallModule'], 'partywall/nest'),
    importLine(project.style, names, importPath(project.style, root.path, wallPath)),
  ]
  const content = addImports(replaceSpans(root.text, [place]), imports)
  return { edits: [edit(root.path, root.text, content, 'requests get the context of their tenant')], byHand: [] }
}

function rootModule(task: WireTask): { readonly path: string; readonly text: string } | undefined {
  const created = sourcesWith(task, /NestFactory\.create\b/).flatMap(({ text }) =>
    [...text.matchAll(/NestFactory\.create(?:<[^()]{1,80}>)?\(\s*(\w{1,80})/g)].map(([, name = '']) => name),
  )
  const names = new Set(created)
  const found = sourcesWith(task, /\bclass \w/).filter(({ text }) =>
    [...text.matchAll(/\bclass (\w{1,80})\b/g)].some(([, name = '']) => names.has(name)),
  )
  return names.size === 1 && found.length === 1 ? found[0] : undefined
}

/** Where the module's list of imports begins; undefined unless there is exactly one module with one list. */
function insertion(
  text: string,
  call: string,
): { readonly start: number; readonly end: number; readonly by: string } | undefined {
  const module = onlyCall(text, /@Module\s*\(/g)
  if (module === undefined) return undefined
  const lists = [...text.slice(module.start, module.end).matchAll(/\bimports\s*:\s*\[(\s*)/g)]
  const [list] = lists
  if (list === undefined || lists.length !== 1) return undefined
  const [whole, space = ''] = list
  const at = module.start + list.index + whole.length
  const isEmpty = text[at] === ']'
  return { start: at, end: at, by: `${call}${isEmpty ? '' : space.includes('\n') ? `,${space}` : ', '}` }
}
