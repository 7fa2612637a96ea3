import type { ProjectFiles } from '../project-files.ts'
import type { Manifest } from './manifest.ts'

export type Framework = 'nest' | 'next' | 'fastify' | 'express' | 'koa' | 'hono'
export type Orm = 'prisma' | 'drizzle' | 'typeorm' | 'kysely' | 'mikro' | 'sequelize' | 'knex' | 'pg'
export type TestRunner = 'vitest' | 'jest' | 'node'

/** Nest and Next come first, because such a project may also have Express. */
const FRAMEWORKS: readonly (readonly [string, Framework])[] = [
  ['@nestjs/core', 'nest'],
  ['next', 'next'],
  ['fastify', 'fastify'],
  ['express', 'express'],
  ['koa', 'koa'],
  ['hono', 'hono'],
]

/** pg comes last, because ORMs need it too. */
const ORMS: readonly (readonly [string, Orm])[] = [
  ['@prisma/client', 'prisma'],
  ['drizzle-orm', 'drizzle'],
  ['typeorm', 'typeorm'],
  ['kysely', 'kysely'],
  ['@mikro-orm/core', 'mikro'],
  ['sequelize', 'sequelize'],
  ['knex', 'knex'],
  ['pg', 'pg'],
]

export function findFramework(manifest: Manifest): Framework | undefined {
  return FRAMEWORKS.find(([name]) => manifest.has(name))?.[1]
}

export function findOrm(manifest: Manifest): Orm | undefined {
  return ORMS.find(([name]) => manifest.has(name))?.[1]
}

export function findTestRunner(manifest: Manifest): TestRunner {
  if (manifest.has('vitest')) return 'vitest'
  return manifest.has('jest') ? 'jest' : 'node'
}

/** How the project's own files are written, so that new files look the same. */
export interface CodeStyle {
  readonly language: 'ts' | 'js'
  readonly modules: 'esm' | 'commonjs'
  /** The end of relative imports: `./db.js`, `./db.ts` or `./db`. */
  readonly importEnding: '.js' | '.ts' | ''
  /** The folder of the source files: `src`, `app`, `server`, `lib` or `.`. */
  readonly sourceFolder: string
  /** The folder of the tests: `test`, `tests`, `__tests__` or `src`. */
  readonly testFolder: string
  /** `.test` or `.spec`. */
  readonly testMark: '.test' | '.spec'
  /** The extension of test files. */
  readonly testLanguage: 'ts' | 'js'
}

export function findCodeStyle(files: ProjectFiles, manifest: Manifest): CodeStyle {
  // Next.js serves the files of `app`.
  const folders = manifest.has('next') ? ['src', 'lib', 'server'] : ['src', 'app', 'server', 'lib']
  const sourceFolder = folders.find((folder) => files.isFolder(folder)) ?? '.'
  const sources = files.find(/\.[cm]?[jt]s$/).filter((path) => !/(^|\/)[^/]*\.config\.[cm]?[jt]s$/.test(path))
  const own = sources.filter((path) => sourceFolder === '.' || path.startsWith(`${sourceFolder}/`))
  const language = own.some((path) => /\.[cm]?ts$/.test(path)) ? 'ts' : 'js'
  const texts = own.slice(0, 60).map((path) => files.read(path) ?? '')
  const requires = texts.filter((text) => /\brequire\(['"]/.test(text)).length
  const imports = texts.filter((text) => /^import\b/m.test(text)).length
  const modules = language === 'ts' || manifest.isModule || imports > requires ? 'esm' : 'commonjs'
  const relative = texts.flatMap((text) => [...text.matchAll(/(?:from|import|require\()\s*['"](\.{1,2}\/[^'"]+)['"]/g)])
  const endings = relative.map(([, path = '']) => (path.endsWith('.js') ? '.js' : path.endsWith('.ts') ? '.ts' : ''))
  const tests = sources.filter((path) => /\.(test|spec)\.[cm]?[jt]sx?$/.test(path))
  const { folder, first } = folderOfTests(testsOfJest(tests, manifest))
  const marks = first ?? manifest.jest?.testRegex ?? ''
  return {
    language,
    modules,
    importEnding: most(endings) ?? (modules === 'esm' && manifest.isModule ? '.js' : ''),
    sourceFolder,
    testFolder: first === undefined ? (manifest.jest?.rootDir ?? folder) : folder,
    testMark: /\.spec\\?\./.test(marks) ? '.spec' : '.test',
    testLanguage: first === undefined ? language : /\.[cm]?ts$/.test(first) ? 'ts' : 'js',
  }
}

/**
 * The tests that Jest finds, if package.json names Jest's folder. In a project of `nest new` these are the tests in `src`; another command
 * runs those in `test`.
 */
function testsOfJest(tests: readonly string[], { jest }: Manifest): readonly string[] {
  const rootDir = jest?.rootDir
  return rootDir === undefined ? tests : tests.filter((path) => path.startsWith(`${rootDir}/`))
}

/**
 * Takes the top-level folder with the most tests, and returns the deepest folder that contains all of these tests: `test`, or `src` if
 * tests stand beside the code.
 */
function folderOfTests(tests: readonly string[]): { readonly folder: string; readonly first: string | undefined } {
  const top = (path: string) => (path.includes('/') ? (path.split('/')[0] ?? '') : '')
  const favourite = most(tests.map(top))
  const own = tests.filter((path) => top(path) === favourite)
  const folders = own.map((path) => path.split('/').slice(0, -1))
  const [one] = folders
  if (one === undefined) return { folder: 'test', first: undefined }
  const shared = one.filter((part, at) =>
    folders.every((each) => one.slice(0, at + 1).join('/') === each.slice(0, at + 1).join('/') && part !== ''),
  )
  return { folder: shared.join('/') || '.', first: own[0] }
}

function most<T>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0]
}
