import { addImports, importLine, importPath } from '../code/imports.ts'
import { onlyCall, replaceSpans } from '../code/source-text.ts'
import type { Wiring } from '../plan/init-plan.ts'
import { byHand, edit, onlySource, type WireTask } from './wire-task.ts'

/** Adds partywall's module, and gives TypeORM the pool of the wall and a second data source for sign-in. */
export function wireNest(task: WireTask): Wiring {
  const { project, wallPath } = task
  const style = project.style
  const lines = ['imports: [PartywallModule.forRoot({ wall, exclude: isPublic }), …]']
  const source = onlySource(task, /TypeOrmModule\.forRoot\s*\(/)
  const call = source === undefined ? undefined : onlyCall(source.text, /TypeOrmModule\.forRoot\s*\(/g)
  if (source === undefined || call === undefined)
    return byHand(wallPath, 'import the module in your root module, and give your ORM the pool of the wall', lines)
  const text = source.text.slice(call.start, call.end)
  const options = text.slice(text.indexOf('(') + 1, -1)
  const line = source.text.slice(source.text.lastIndexOf('\n', call.start) + 1, call.start)
  const indent = line.slice(0, line.length - line.trimStart().length)
  const by = [
    'PartywallModule.forRoot({ wall, exclude: isPublic })',
    `TypeOrmModule.forRootAsync(tenantTypeorm(${options}))`,
    `TypeOrmModule.forRootAsync(entryTypeorm({ ${entitiesOf(options)} }))`,
  ].join(`,\n${indent}`)
  const imports = [
    importLine(style, ['PartywallModule'], 'partywall/nest'),
    importLine(style, ['entryTypeorm', 'isPublic', 'tenantTypeorm', 'wall'], importPath(style, source.path, wallPath)),
  ]
  const content = addImports(replaceSpans(source.text, [{ ...call, by }]), imports)
  return { edits: [edit(source.path, source.text, content, 'requests get the context of their tenant')], byHand: [] }
}

function entitiesOf(options: string): string {
  return (
    /\bentities\s*:\s*\[[^\]]*\]/.exec(options)?.[0] ??
    (/\bautoLoadEntities\s*:\s*true/.test(options) ? 'autoLoadEntities: true' : '')
  )
}

/** Paths of controllers and handlers that a decorator such as `@Public()` marks. Requests to them need no token. */
export function publicPaths({ files }: Pick<WireTask, 'files'>): readonly string[] {
  const paths = new Set<string>()
  const mark = /@(?:Public|IsPublic|SkipAuth|NoAuth|AllowAnonymous)\(\)/
  for (const path of files.find(/\.[cm]?[jt]s$/)) {
    const text = files.read(path) ?? ''
    if (!mark.test(text)) continue
    const parts = text.split(/(?=^(?:export )?(?:default )?(?:abstract )?class )/m)
    for (const [at, part] of parts.entries()) {
      const controller = lastController(parts[at - 1] ?? '')
      if (controller === undefined) continue
      if (mark.test(controller.around)) paths.add(join(controller.path))
      else
        for (const handler of part.matchAll(HANDLER))
          if (mark.test(handler[0]))
            paths.add(
              join(
                controller.path,
                /@(?:Get|Post|Put|Patch|Delete|All)\(\s*(?:['"]([^'"]*)['"])?/.exec(handler[0])?.[1] ?? '',
              ),
            )
    }
  }
  return [...paths].sort()
}

/** Decorators of one handler, up to its name. */
const HANDLER = /(?:^[ \t]*@\w+\([^)\n]*\)[ \t]*\n)+/gm

/** The decorators before a class, if one of them is `@Controller`. */
function lastController(before: string): { readonly path: string; readonly around: string } | undefined {
  const lines = before.trimEnd().split('\n')
  const around: string[] = []
  for (let line = lines.pop(); line !== undefined && /^@/.test(line); line = lines.pop()) around.push(line)
  const found = /@Controller\(\s*(?:['"]([^'"]*)['"])?/.exec(around.join('\n'))
  return found === null ? undefined : { path: found[1] ?? '', around: around.join('\n') }
}

function join(...parts: readonly string[]): string {
  return `/${parts
    .flatMap((part) => part.split('/'))
    .filter((part) => part !== '')
    .join('/')}`
}
