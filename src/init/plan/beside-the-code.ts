import { codeMatches, onlyCall, replaceSpans } from '../code/source-text.ts'
import { TEST_FILE } from '../code/test-files.ts'
import type { Project } from '../detection/project.ts'
import type { ProjectFiles } from '../project-files.ts'
import { isNestAsync } from '../wiring/nest.ts'
import { APP_URL, ENTRY_URL } from '../writers/names.ts'
import type { ByHand } from './init-plan.ts'

/** Returns what a person must adapt to the wall beside the statements: the start of the server, TLS, and tools that change tables. */
export function besideTheCode(files: ProjectFiles, project: Project, wallPath: string): readonly ByHand[] {
  const sources = files
    .find(/\.[cm]?[jt]s$/)
    .filter((path) => !TEST_FILE.test(path))
    .map((path) => ({ path, text: files.read(path) ?? '' }))
  const withText = (pattern: RegExp) => sources.filter(({ text }) => codeMatches(text, pattern)).map(({ path }) => path)
  const secured = withText(/\bssl\s*:(?!\s*false\b)|\bsslmode=/)
  const seeding = seeds(files)
  return [
    {
      path: 'the start of the server',
      why: `await wall.ready() of ${wallPath} before it listens. It throws if the database does not keep tenants apart, and it starts the watch over the policies`,
      lines: [],
    },
    ...(secured.length === 0
      ? []
      : [
          {
            path: '.env',
            why: `your connections use TLS (${secured.join(', ')}), and the connections of the wall use TLS only if their URLs say so: add ?sslmode=verify-full to ${APP_URL} and ${ENTRY_URL}, or sslmode=no-verify if you check no certificate`,
            lines: [],
          },
        ]),
    ...changingTables(files, project, sources),
    ...(project.migrations.exists
      ? []
      : [
          {
            path: project.migrations.folder,
            why: 'no migration was found that makes your tables. Write one that runs before the migration of partywall. Without it, partywall’s migration fails on an empty database, such as that of CI',
            lines: [],
          },
        ]),
    ...(seeding.length === 0
      ? []
      : [
          {
            path: seeding.join(' and '),
            why: 'it writes rows without a request, so without a tenant. If the rows belong to tables with tenants, row-level security refuses those that name no tenant, unless a superuser runs it: docs/guides/seeds.md of partywall shows how a seed names the tenant',
            lines: [],
          },
        ]),
    ...(project.orm === 'typeorm' || project.orm === 'mikro'
      ? [
          {
            path: `your next migration of ${project.orm === 'typeorm' ? 'TypeORM' : 'MikroORM'}`,
            why: 'a generated migration drops the keys, foreign keys and indexes that partywall’s migration adds, because no entity names them: delete these statements from it before you run it',
            lines: [],
          },
        ]
      : []),
  ]
}

interface Source {
  readonly path: string
  readonly text: string
}

/** Code that lets an ORM change tables when the application starts. */
function changingTables(files: ProjectFiles, project: Project, sources: readonly Source[]): readonly ByHand[] {
  const replaced = project.framework === 'nest' && project.orm === 'typeorm' && isNestAsync(files)
  const kept = sources.map(({ path, text }) => ({ path, text: replaced ? withoutTypeormModule(text) : text }))
  const withText = (pattern: RegExp) => kept.filter(({ text }) => codeMatches(text, pattern)).map(({ path }) => path)
  const always = withText(/\bsynchronize\s*:\s*true\b|\.sync\(\s*\{\s*(?:alter|force)\s*:\s*true/)
  const maybe = withText(/\bsynchronize\s*:(?!\s*(?:false|true|boolean)\b)/).filter((path) => !always.includes(path))
  const would = 'would drop the keys and foreign keys of the migration'
  const line = (paths: readonly string[], why: string): readonly ByHand[] =>
    paths.length === 0 ? [] : [{ path: paths.join(' or '), why, lines: [] }]
  return [
    ...line(
      always,
      `it changes tables by itself, and ${would}: switch it off (synchronize: false), and change tables by migrations only`,
    ),
    ...line(
      maybe,
      `if its synchronize is true in an environment, TypeORM changes tables by itself there, and ${would}: let it be false in all of them, and change tables by migrations only`,
    ),
  ]
}

/** The text without the call that `typeormModules` of the wall's file replaces. The written options end in `synchronize: false`. */
function withoutTypeormModule(text: string): string {
  const call = onlyCall(text, /TypeOrmModule\.forRootAsync\s*\(/g)
  return call === undefined ? text : replaceSpans(text, [{ ...call, by: '' }])
}

/** Scripts that fill a database: named as seeds, and with statements that write. */
function seeds(files: ProjectFiles): readonly string[] {
  return files
    .find(/\.(?:[cm]?[jt]s|sql)$/)
    .filter(
      (path) => /(?:^|\/)(?:seeds?|seeders)\/|(?:^|\/)seed[^/]*$/i.test(path) && !/\.(?:test|spec|d)\./.test(path),
    )
    .filter((path) => {
      const text = files.read(path) ?? ''
      return path.endsWith('.sql') ? WRITES.test(text.replace(/--[^\n]*/g, '')) : codeMatches(text, WRITES)
    })
}

const WRITES = /\binsert\b|\b(?:create(?:Many)?|save|upsert|bulkCreate|bulkInsert|persist\w*)\s*\(/i
