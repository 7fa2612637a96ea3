import { z } from 'zod'
import type { ProjectFiles } from '../project-files.ts'

const CODE = /\.[cm]?[jt]sx?$/
const TEST = /(?:^|\/)(?:tests?|__tests__|e2e)\/|\.(?:test|spec|d)\.[cm]?[jt]sx?$/
const ENDINGS = ['.ts', '.tsx', '.js', '.jsx', '.mts', '.cts', '.mjs', '.cjs']
/** The usual names of an application's first file. Used if package.json names no entry. */
const USUAL_ENTRY =
  /^(?:(?:src|app|server|lib|bin)\/)?(?:main|index|server|app|start|www|middleware|instrumentation)\.[cm]?[jt]sx?$/
/** Next.js loads these files because of their place in the folder. */
const ROUTE = /^(?:src\/)?(?:app|pages)\/.*\.[cm]?[jt]sx?$/
const IMPORT = /(?:\bfrom|\bimport|\brequire\s*\(|\bimport\s*\()\s*['"]([^'"\n]{1,200})['"]/g
/** Code that loads files by a computed name, such as all files of a folder. */
const COMPUTED = /\b(?:require|import)\s*\(\s*[^'"\s)]|['"](?:@fastify\/autoload|glob|fast-glob)['"]/

const schema = z.looseObject({
  main: z.string().optional(),
  module: z.string().optional(),
  scripts: z.record(z.string(), z.string()).default({}),
})

/** Results of {@link reachedFiles}, which are kept because several parts of a plan need them. */
const answers = new WeakMap<ProjectFiles, { readonly reached: ReadonlySet<string> | undefined }>()

/**
 * Returns the files that the application loads when it starts. It follows the imports in the code that name a file literally.
 *
 * @returns undefined if the files are not known: no entry was found, or some code loads files by computed names
 */
export function reachedFiles(files: ProjectFiles): ReadonlySet<string> | undefined {
  let answer = answers.get(files)
  if (answer === undefined) {
    answer = { reached: followImports(files) }
    answers.set(files, answer)
  }
  return answer.reached
}

/** The code of a project without its tests, and the names by which imports can find it. */
interface CodeIndex {
  readonly known: ReadonlySet<string>
  readonly byName: ReadonlyMap<string, readonly NamedFile[]>
}

/** Results of {@link indexOf}, which are kept because several parts of a plan need them. */
const indexes = new WeakMap<ProjectFiles, CodeIndex>()

function indexOf(files: ProjectFiles): CodeIndex {
  let index = indexes.get(files)
  if (index === undefined) {
    const all = files.find(CODE).filter((path) => !TEST.test(path))
    index = { known: new Set(all), byName: namesOf(all) }
    indexes.set(files, index)
  }
  return index
}

/** Returns the project's files that a file imports by a literal name. Leaves out tests. */
export function importsOf(files: ProjectFiles, path: string): readonly string[] {
  const { known, byName } = indexOf(files)
  return [...(files.read(path) ?? '').matchAll(IMPORT)].flatMap(([, specifier = '']) =>
    targetsOf(specifier, path, byName, known),
  )
}

/** Whether imports lead from a file to one of `targets`. */
export function leadsTo(files: ProjectFiles, path: string, targets: ReadonlySet<string>): boolean {
  const seen = new Set([path])
  for (const each of seen)
    for (const next of importsOf(files, each)) {
      if (targets.has(next)) return true
      seen.add(next)
    }
  return false
}

function followImports(files: ProjectFiles): ReadonlySet<string> | undefined {
  const { known } = indexOf(files)
  const declared = declaredEntries(files, known)
  const entries =
    declared.length > 0 ? declared : [...known].filter((path) => USUAL_ENTRY.test(path) || ROUTE.test(path))
  if (entries.length === 0) return undefined
  const reached = new Set(entries)
  for (const path of reached) {
    const text = files.read(path) ?? ''
    if (COMPUTED.test(text)) return undefined
    for (const target of importsOf(files, path)) reached.add(target)
  }
  return reached
}

/** Files that package.json names as the start: `main`, `module`, and the files that the scripts `start`, `dev` and `serve` run. */
function declaredEntries(files: ProjectFiles, known: ReadonlySet<string>): readonly string[] {
  let manifest: z.infer<typeof schema>
  try {
    manifest = schema.parse(JSON.parse(files.read('package.json') ?? '{}'))
  } catch {
    return []
  }
  const commands = Object.entries(manifest.scripts)
    .filter(([name]) => /^(?:start|dev|serve)(?::|$)/.test(name))
    .flatMap(([, command]) => command.split(/[\s"'=]+/))
  const named = [manifest.main ?? '', manifest.module ?? '', ...commands].filter((word) =>
    /^[\w./-]{1,200}$/.test(word),
  )
  return [...new Set(named.flatMap((word) => sourcesOf(normal(word), known)))]
}

/** The source of a file that a command runs: `dist/main.js` is built from `src/main.ts`. */
function sourcesOf(path: string, known: ReadonlySet<string>): readonly string[] {
  if (path === '') return []
  const built = /^(?:dist|build|lib|out)\/(.*)$/.exec(path)?.[1]
  const places = built === undefined ? [path] : [path, built, `src/${built.replace(/^src\//, '')}`]
  return places.flatMap((place) => resolved(place, known) ?? []).slice(0, 1)
}

/**
 * Returns the project's files that an import may load. For an import through an alias, these are all files whose path ends with the part
 * after the alias.
 */
function targetsOf(
  specifier: string,
  from: string,
  byName: ReadonlyMap<string, readonly NamedFile[]>,
  known: ReadonlySet<string>,
): readonly string[] {
  if (specifier.startsWith('.')) {
    const target = resolved(normal(`${from.split('/').slice(0, -1).join('/')}/${specifier}`), known)
    return target === undefined ? [] : [target]
  }
  const tails = [specifier, specifier.split('/').slice(1).join('/')].filter((tail) => tail !== '').map(withoutEnding)
  return tails.flatMap((tail) =>
    (byName.get(lastPart(tail)) ?? [])
      .filter(({ plain }) => plain === tail || plain.endsWith(`/${tail}`))
      .map(({ path }) => path),
  )
}

interface NamedFile {
  readonly path: string
  /** The path without its extension and without `/index`, such as `src/routes`. */
  readonly plain: string
}

/** Returns a map from the last part of a file's path, without its extension, to all files with this part. */
function namesOf(all: readonly string[]): ReadonlyMap<string, readonly NamedFile[]> {
  const byName = new Map<string, NamedFile[]>()
  for (const path of all) {
    const plain = withoutEnding(path).replace(/\/index$/, '')
    const name = lastPart(plain)
    byName.set(name, [...(byName.get(name) ?? []), { path, plain }])
  }
  return byName
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function resolved(path: string, known: ReadonlySet<string>): string | undefined {
  const plain = withoutEnding(path)
  const names = [path, ...ENDINGS.flatMap((ending) => [`${path}${ending}`, `${plain}${ending}`])]
  return [...names, ...ENDINGS.map((ending) => `${path}/index${ending}`)].find((name) => known.has(name))
}

function withoutEnding(path: string): string {
  return path.replace(CODE, '')
}

/** Resolves the parts `.` and `..` of a path. */
function normal(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.' && part !== '') parts.push(part)
  }
  return parts.join('/')
}
