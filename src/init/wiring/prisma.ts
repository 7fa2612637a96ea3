import { addImports, importLine, importPath } from '../code/imports.ts'
import { onlyCall, replaceSpans } from '../code/source-text.ts'
import type { Wiring } from '../plan/init-plan.ts'
import { CLIENT_CLASS, wirePrismaService } from './prisma-service.ts'
import { byHand, edit, onlySource, sourcesWith, type WireTask } from './wire-task.ts'

const LINES = [
  'const adapter = new PrismaPg(wall.pool)',
  'export const prisma = new PrismaClient({ adapter }).$extends(tenantExtension())',
  'export const entryPrisma = new PrismaClient({ adapter: new PrismaPg(entryPool) })',
]

/** Prisma's adapter gets `wall.pool`, its client the extension, and there is a second client on the entry pool. */
export function wirePrisma(task: WireTask): Wiring {
  const { project, wallPath } = task
  const places = sourcesWith(task, /new PrismaClient\s*\(/).map(({ path }) => path)
  if (places.length === 0 && sourcesWith(task, CLIENT_CLASS).length > 0) return wirePrismaService(task)
  const source = onlySource(task, /new PrismaClient\s*\(/)
  if (source === undefined)
    return byHand(places.join(' or ') || 'your client of Prisma', `give it the pool of ${wallPath}`, LINES)
  const adapter = onlyCall(source.text, /new PrismaPg\s*\(/g)
  const client = onlyCall(source.text, /new PrismaClient\s*\(/g)
  if (adapter === undefined || client === undefined)
    return byHand(
      source.path,
      'give Prisma the pool of the wall (it needs the driver adapter @prisma/adapter-pg)',
      LINES,
    )
  const inside = adapter.start > client.start && adapter.end < client.end
  const text = source.text.slice(client.start, client.end)
  const clientText = inside
    ? replaceSpans(text, [
        { start: adapter.start - client.start, end: adapter.end - client.start, by: 'new PrismaPg(wall.pool)' },
      ])
    : text
  const changes = [
    ...(inside ? [] : [{ ...adapter, by: 'new PrismaPg(wall.pool)' }]),
    { ...client, by: `${clientText}.$extends(tenantExtension())` },
  ]
  const imports = [
    importLine(project.style, ['tenantExtension'], 'partywall/prisma'),
    importLine(project.style, ['entryPool', 'wall'], importPath(project.style, source.path, wallPath)),
  ]
  const semicolon = /;\s*$/m.test(source.text) ? ';' : ''
  const exported = project.style.modules === 'commonjs' ? 'exports.entryPrisma =' : 'export const entryPrisma ='
  const entry = `\n/** For code that runs before the tenant is known. */\n${exported} new PrismaClient({ adapter: new PrismaPg(entryPool) })${semicolon}\n`
  const content = `${addImports(replaceSpans(source.text, changes), imports).trimEnd()}\n${entry}`
  return {
    edits: [edit(source.path, source.text, content, 'Prisma works on the pool that keeps tenants apart')],
    byHand: [],
  }
}
