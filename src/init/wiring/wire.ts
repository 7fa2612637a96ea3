import { findJobs } from '../detection/jobs.ts'
import type { Project } from '../detection/project.ts'
import type { ByHand, PlannedFile, Wiring } from '../plan/init-plan.ts'
import { OWNER_URL } from '../plan/owner-url.ts'
import type { ProjectFiles } from '../project-files.ts'
import { wireDrizzle } from './drizzle.ts'
import { wireExpress } from './express.ts'
import { wireFastify } from './fastify.ts'
import { wireNest } from './nest.ts'
import { wireOther } from './other.ts'
import { scriptsOnThePool, statementsWithoutTenant } from './outside-requests.ts'
import { wirePg } from './pg.ts'
import { wirePrisma } from './prisma.ts'
import { signInCode } from './sign-in-code.ts'
import { afterEdits, type WireTask } from './wire-task.ts'

/**
 * Connects the code of the project with the wall: its pool or ORM, its framework, and the code that runs before the tenant is known. Code
 * is changed only if exactly one place can be meant; otherwise the lines are left to a person.
 */
export function wire(files: ProjectFiles, project: Project, wallPath: string): Wiring {
  const task: WireTask = { files, project, wallPath }
  const orm = ormWiring(task)
  const parts = [orm, frameworkWiring(afterEdits(task, orm.edits))]
  const atStart = migrationsAtStart(files)
  const named = new Set(atStart.map(({ path }) => path))
  return {
    edits: joined(parts.flatMap((part) => part.edits)),
    byHand: [
      ...parts.flatMap((part) => part.byHand),
      ...signInCode(task),
      ...atStart,
      ...scripts(task, orm).filter(({ path }) => !named.has(path)),
      ...statementsWithoutTenant(task),
      ...jobs(task),
    ],
  }
}

function scripts(task: WireTask, { edits }: Wiring): readonly ByHand[] {
  const { orm } = task.project
  if (orm !== 'pg' && orm !== 'kysely' && orm !== 'drizzle' && orm !== 'prisma') return []
  return scriptsOnThePool(
    task,
    edits.map(({ path }) => path),
  )
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
