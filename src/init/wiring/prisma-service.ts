import { addImports, importLine, importPath } from '../code/imports.ts'
import { closingOf, onlyCall, replaceSpans } from '../code/source-text.ts'
import type { Wiring } from '../plan/init-plan.ts'
import { afterEdits, byHand, edit, onlySource, sourcesWith, type WireTask } from './wire-task.ts'

/** A class of the application that is a client of Prisma, as the documentation of NestJS makes one. */
export const CLIENT_CLASS = /\bclass (\w{1,80}) extends PrismaClient\b/

const LINES = [
  'super({ adapter: new PrismaPg(wall.pool) })       // in the constructor of the class',
  'this.$extends(tenantExtension())                  // after super(…); it changes the client itself',
  'super({ adapter: new PrismaPg(entryPool) })       // in a second class, for code that runs before the tenant is known',
]

/**
 * Gives the class the pool and the extension. Adds a second class on the entry pool, which the module of the first class then provides too.
 */
export function wirePrismaService(task: WireTask): Wiring {
  const { project, wallPath } = task
  const source = onlySource(task, CLIENT_CLASS)
  const name = source === undefined ? undefined : CLIENT_CLASS.exec(source.text)?.[1]
  const places = sourcesWith(task, CLIENT_CLASS).map(({ path }) => path)
  const left = byHand(
    places.join(' or '),
    `give Prisma the pool of ${wallPath} (docs/frameworks.md of partywall)`,
    LINES,
  )
  if (source === undefined || name === undefined) return left
  const adapter = onlyCall(source.text, /new PrismaPg\s*\(/g)
  const parent = onlyCall(source.text, /\bsuper\s*\(/g)
  if (adapter === undefined || parent === undefined) return left
  const inside = adapter.start > parent.start && adapter.end < parent.end
  const line = source.text.slice(source.text.lastIndexOf('\n', parent.start) + 1, parent.start)
  if (line.trim() !== '') return left
  const semicolon = source.text[parent.end] === ';' ? ';' : ''
  const end = parent.end + semicolon.length
  const changes = [
    { ...adapter, by: 'new PrismaPg(wall.pool)' },
    { start: end, end, by: `\n${line}this.$extends(tenantExtension())${semicolon}` },
  ]
  const entryName = `Entry${name}`
  const body = closingOf(source.text, source.text.indexOf('{', source.text.search(CLIENT_CLASS)))
  if (body === undefined || (!inside && adapter.start > parent.start)) return left
  const isInjectable = /@Injectable\(\)/.test(source.text)
  const entry = `\n\n/** For code that runs before the tenant is known: sign-in, sign-up. */${isInjectable ? '\n@Injectable()' : ''}
export class ${entryName} extends PrismaClient {
${indentOf(line)}constructor() {
${line}super({ adapter: new PrismaPg(entryPool) })${semicolon}
${indentOf(line)}}
}`
  const imports = [
    importLine(project.style, ['tenantExtension'], 'partywall/prisma'),
    importLine(project.style, ['entryPool', 'wall'], importPath(project.style, source.path, wallPath)),
  ]
  const content = addImports(
    replaceSpans(source.text, [...changes, { start: body + 1, end: body + 1, by: entry }]),
    imports,
  )
  const client = edit(source.path, source.text, content, 'Prisma works on the pool that keeps tenants apart')
  const provided = provideBeside(afterEdits(task, [client]), name, entryName)
  return {
    edits: [client, ...provided.edits],
    byHand: provided.byHand,
  }
}

function indentOf(line: string): string {
  return line.slice(0, Math.floor(line.length / 2))
}

const LISTS = /\b(providers|exports)\s*:\s*\[[^\]]*\]/g
const IMPORT = /\bimport \{[^}]*\} from/g

/** Adds the second class to the module that provides and exports the first one. */
function provideBeside(task: WireTask, name: string, entryName: string): Wiring {
  const found = sourcesWith(task, LISTS).filter(({ text }) => listsWith(text, name).has('exports'))
  const [source] = found
  const imports =
    source === undefined ? [] : [...source.text.matchAll(IMPORT)].filter(([whole]) => hasWord(whole, name))
  if (source === undefined || found.length !== 1 || listsWith(source.text, name).size !== 2 || imports.length !== 1)
    return byHand('the module of Prisma', 'provide and export the second class', [
      `providers: [${name}, ${entryName}], exports: [${name}, ${entryName}]`,
    ])
  const beside = (whole: string) => whole.replace(/\w+/g, (word) => (word === name ? `${name}, ${entryName}` : word))
  const content = source.text.replace(LISTS, beside).replace(IMPORT, beside)
  return { edits: [edit(source.path, source.text, content, 'the client for sign-in can be injected')], byHand: [] }
}

/** Which of the lists `providers` and `exports` hold the name. */
function listsWith(text: string, name: string): ReadonlySet<string> {
  const lists = [...text.matchAll(LISTS)].filter(([whole]) => hasWord(whole, name))
  return new Set(lists.map(([, list = '']) => list))
}

function hasWord(text: string, word: string): boolean {
  return text.split(/\W+/).includes(word)
}
