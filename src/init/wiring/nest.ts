import { addImports, importLine, importPath } from '../code/imports.ts'
import { onlyCall, replaceSpans } from '../code/source-text.ts'
import type { Wiring } from '../plan/init-plan.ts'
import type { ProjectFiles } from '../project-files.ts'
import { moduleCall, wireModule } from './nest-module.ts'
import { byHand, edit, onlySource, type WireTask } from './wire-task.ts'

/** Adds partywall's module. With TypeORM, gives it the pool of the wall and a second data source for sign-in, too. */
export function wireNest(task: WireTask): Wiring {
  const { project, wallPath } = task
  if (project.orm !== 'typeorm') return wireModule(task)
  const style = project.style
  const { call: moduleLine, names } = moduleCall(task.files)
  const lines = [`imports: [${moduleLine}, …]`]
  if (isNestAsync(task.files)) return wireAsync(task)
  const source = onlySource(task, /TypeOrmModule\.forRoot\s*\(/)
  const call = source === undefined ? undefined : onlyCall(source.text, /TypeOrmModule\.forRoot\s*\(/g)
  if (source === undefined || call === undefined)
    return byHand('your root module', 'import the module, and give your ORM the pool of the wall', lines)
  const text = source.text.slice(call.start, call.end)
  const options = text.slice(text.indexOf('(') + 1, -1)
  const line = source.text.slice(source.text.lastIndexOf('\n', call.start) + 1, call.start)
  const indent = line.slice(0, line.length - line.trimStart().length)
  const by = [
    moduleLine,
    `TypeOrmModule.forRootAsync(tenantTypeorm(${options}))`,
    `TypeOrmModule.forRootAsync(entryTypeorm({ ${entitiesOf(options)} }))`,
  ].join(`,\n${indent}`)
  const imports = [
    importLine(style, ['PartywallModule'], 'partywall/nest'),
    importLine(style, ['entryTypeorm', 'tenantTypeorm', ...names], importPath(style, source.path, wallPath)),
  ]
  const content = addImports(replaceSpans(source.text, [{ ...call, by }]), imports)
  return { edits: [edit(source.path, source.text, content, 'requests get the context of their tenant')], byHand: [] }
}

const ASYNC = /TypeOrmModule\.forRootAsync\s*\(/

/** Whether the options of TypeORM are made when the application starts, such as with ConfigService. */
export function isNestAsync(files: ProjectFiles): boolean {
  const texts = files.find(/\.[cm]?[jt]s$/).map((path) => files.read(path) ?? '')
  return texts.some((text) => ASYNC.test(text)) && !texts.some((text) => /TypeOrmModule\.forRoot\s*\(/.test(text))
}

/** `TypeOrmModule.forRootAsync(options)` becomes the two modules of the wall with the same options. */
function wireAsync(task: WireTask): Wiring {
  const { project, wallPath } = task
  const source = onlySource(task, ASYNC)
  const call = source === undefined ? undefined : onlyCall(source.text, /TypeOrmModule\.forRootAsync\s*\(/g)
  const { call: moduleLine, names } = moduleCall(task.files)
  const lines = [
    'imports: [',
    `  ${moduleLine},`,
    '  ...typeormModules({ …, useFactory }),   // in place of TypeOrmModule.forRootAsync({ …, useFactory })',
    ']',
  ]
  const text = source === undefined || call === undefined ? '' : source.text.slice(call.start, call.end)
  const options = text.slice(text.indexOf('(') + 1, -1)
  const before = source === undefined || call === undefined ? '' : source.text.slice(0, call.start).trimEnd()
  // The call is changed only if its argument is an object and the call stands in a list. Otherwise a person must look at it.
  const isSafe =
    /^\s*\{/.test(options) &&
    /\buseFactory\b/.test(options) &&
    !/\b(?:dataSourceFactory|useClass|useExisting|name\s*:\s*['"`])/.test(options) &&
    /[[,]$/.test(before)
  if (source === undefined || call === undefined || !isSafe)
    return byHand(source?.path ?? 'your root module', 'import the modules of the wall in place of TypeORM’s', lines)
  const line = source.text.slice(source.text.lastIndexOf('\n', call.start) + 1, call.start)
  const indent = line.slice(0, line.length - line.trimStart().length)
  const by = `${moduleLine},\n${indent}...typeormModules(${options})`
  const imports = [
    importLine(project.style, ['PartywallModule'], 'partywall/nest'),
    importLine(project.style, ['typeormModules', ...names], importPath(project.style, source.path, wallPath)),
  ]
  const replaced = replaceSpans(source.text, [{ ...call, by }])
  const rest = /\bTypeOrmModule\./.test(replaced)
    ? replaced
    : replaced.replace(/^import \{ TypeOrmModule \} from ['"]@nestjs\/typeorm['"];?\r?\n/m, '')
  return {
    edits: [edit(source.path, source.text, addImports(rest, imports), 'requests get the context of their tenant')],
    byHand: [],
  }
}

function entitiesOf(options: string): string {
  return (
    /\bentities\s*:\s*\[[^\]]*\]/.exec(options)?.[0] ??
    (/\bautoLoadEntities\s*:\s*true/.test(options) ? 'autoLoadEntities: true' : '')
  )
}
