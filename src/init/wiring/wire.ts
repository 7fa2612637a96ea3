import { reachedFiles } from '../code/reached-files.ts'
import { codeMatches } from '../code/source-text.ts'
import { findJobs } from '../detection/jobs.ts'
import { filesThatSign } from '../detection/own-tokens.ts'
import type { Project } from '../detection/project.ts'
import type { ByHand, PlannedFile, Wiring } from '../plan/init-plan.ts'
import { OWNER_URL } from '../plan/owner-url.ts'
import type { ProjectFiles } from '../project-files.ts'
import { ENTRY_URL } from '../writers/names.ts'
import { wireDrizzle } from './drizzle.ts'
import { wireExpress } from './express.ts'
import { wireFastify } from './fastify.ts'
import { wireNest } from './nest.ts'
import { wireOther } from './other.ts'
import { wirePg } from './pg.ts'
import { wirePrisma } from './prisma.ts'
import { CLIENT_CLASS } from './prisma-service.ts'
import { afterEdits, type WireTask } from './wire-task.ts'

/**
 * Connects the code of the project with the wall: its pool or ORM, its framework, and the code that runs before the tenant is known. Code
 * is changed only if exactly one place can be meant; otherwise the lines are left to a person.
 */
export function wire(files: ProjectFiles, project: Project, wallPath: string): Wiring {
  const task: WireTask = { files, project, wallPath }
  const orm = ormWiring(task)
  const parts = [orm, frameworkWiring(afterEdits(task, orm.edits))]
  return {
    edits: joined(parts.flatMap((part) => part.edits)),
    byHand: [...parts.flatMap((part) => part.byHand), ...signInCode(task), ...migrationsAtStart(files), ...jobs(task)],
  }
}

function ormWiring(task: WireTask): Wiring {
  switch (task.project.orm) {
    case 'pg':
    case 'kysely':
      return wirePg(task)
    case 'drizzle':
      return wireDrizzle(task)
    case 'prisma':
      return wirePrisma(task)
    case 'typeorm':
      if (task.project.framework === 'nest') return { edits: [], byHand: [] } // wireNest changes TypeOrmModule, too
      return wireOther(task)
    default:
      return wireOther(task)
  }
}

function frameworkWiring(task: WireTask): Wiring {
  switch (task.project.framework) {
    case 'express':
      return wireExpress(task)
    case 'fastify':
      return wireFastify(task)
    case 'nest':
      return wireNest(task)
    default:
      return {
        edits: [],
        byHand: [
          {
            path: task.wallPath,
            why: 'open the tenant context of each request: docs/frameworks.md of partywall has the lines for your framework',
            lines: [],
          },
        ],
      }
  }
}

/** Joins successive edits of one file. Each edit was made on the text after the edit before it. */
function joined(edits: readonly PlannedFile[]): readonly PlannedFile[] {
  const byPath = new Map<string, PlannedFile>()
  for (const edit of edits) {
    const earlier = byPath.get(edit.path)
    const isSecond = earlier?.kind === 'edit' && edit.kind === 'edit'
    byPath.set(edit.path, isSecond ? { ...edit, before: earlier.before, why: `${earlier.why}; ${edit.why}` } : edit)
  }
  return [...byPath.values()]
}

/** Jobs run without a request, so there is no token that names a tenant. */
function jobs({ files }: WireTask): readonly ByHand[] {
  const found = findJobs(files)
  if (found.length === 0) return []
  const why =
    'these files run without a request, so without a tenant: the pool refuses a statement that they send. docs/guides/jobs.md of partywall shows how a job gets a tenant'
  return [{ path: 'jobs', why, lines: found.map(({ path, by }) => `${path}   (${by})`) }]
}

/** Code that runs migrations of Drizzle or TypeORM on the connection of the application, whose login may not change the schema. */
function migrationsAtStart(files: ProjectFiles): readonly ByHand[] {
  return files
    .find(/\.[cm]?[jt]s$/)
    .filter((path) => !/(?:^|\/)(?:tests?|__tests__)\/|\.(?:test|spec)\./.test(path))
    .filter((path) => {
      const text = files.read(path) ?? ''
      const hasOwn = /new (?:\w+\.)?(?:Pool|Client|DataSource)\s*\(|\bpostgres\s*\(/.test(text)
      return !hasOwn && /['"]drizzle-orm\/[\w-]+\/migrator['"]|\.runMigrations\s*\(/.test(text)
    })
    .map((path) => ({
      path,
      why: `it runs migrations, and the login of the application may not change the schema: give them a connection of their own, with ${OWNER_URL}`,
      lines: [],
    }))
}

/** The connection for code that runs before the tenant is known, in place of the library's usual one. */
function entryName({ files, project: { orm, framework }, wallPath }: WireTask): string {
  switch (orm) {
    case 'prisma': {
      const [service] = files
        .find(/\.[cm]?[jt]s$/)
        .flatMap((path) => CLIENT_CLASS.exec(files.read(path) ?? '')?.[1] ?? [])
      return service === undefined ? 'entryPrisma' : `Entry${service}`
    }
    case 'drizzle':
      return 'entryDb'
    case 'typeorm':
      if (framework === 'nest') return "the data source 'entry'"
      break
    case 'pg':
    case 'kysely':
      return `entryPool of ${wallPath}`
  }
  return `entryPool of ${wallPath}, or a second instance of ${orm} on ${ENTRY_URL},`
}

const COMPARES = /\b(?:compare|(?:verify|check|compare|validate)_?Passwords?|argon2?\.verify)\s*\(/i
const VERIFY_OF_ARGON =
  /\{[^{}]{0,200}\bverify\b[^{}]{0,200}\}\s*(?:from\s*|=\s*require\(\s*)['"](?:@node-rs\/)?argon2['"]/
const DEFINES_COMPARE = /export (?:async )?function (?:verify|check|compare|validate)_?Passwords?\b/i
const SIGNS_IN = /\b(?:log|sign)_?in\w*\s*[(=:]/i

/**
 * Code that signs users in runs before the tenant is known: a file that signs a token, and also compares a password or has a function for
 * the sign-in. A file that only compares passwords may change the password of a user who is signed in. So it is reported only if no file
 * does both.
 */
function signInCode(task: WireTask): readonly ByHand[] {
  const { files } = task
  const name = entryName(task)
  const signing = new Set(filesThatSign(files))
  const reached = reachedFiles(files)
  const all = files
    .find(/\.[cm]?[jt]sx?$/)
    .filter((path) => !/(?:^|\/)(?:tests?|__tests__|seeds?|scripts)\/|\.(?:test|spec|config)\./.test(path))
  const usesIt = all.filter((path) => !DEFINES_COMPARE.test(files.read(path) ?? ''))
  const compares = (path: string) =>
    [COMPARES, VERIFY_OF_ARGON].some((pattern) => codeMatches(files.read(path) ?? '', pattern))
  // A helper counts only if no file is known that uses it.
  const sources = usesIt.some((path) => compares(path) || signing.has(path)) ? usesIt : all
  const certain = sources.filter(
    (path) => signing.has(path) && (compares(path) || SIGNS_IN.test(files.read(path) ?? '')),
  )
  const isSure = certain.some(compares)
  return (isSure ? certain : sources.filter((path) => compares(path) || certain.includes(path))).map((path) => ({
    path,
    why: `it ${isSure || certain.includes(path) ? 'signs users in' : 'compares passwords. Code that signs users in runs'} before the tenant is known: use ${name} there, and for the sign-up. Requests of users who are signed in, such as a change of the password, stay on the usual connection${reached?.has(path) === false ? '. No import that begins at the entry leads to this file: if it is not used, leave it' : ''}`,
    lines: [],
  }))
}
