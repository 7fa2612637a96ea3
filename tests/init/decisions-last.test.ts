// A person removes the comment marks below TO DECIDE. What they decide must hold once the whole migration has run.
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { openThrowAwayServer, type ThrowAwayServer } from '../../src/embedded/throw-away-server.ts'
import type { Migrations, MigrationTool } from '../../src/init/detection/migrations.ts'
import type { CodeStyle } from '../../src/init/detection/stack.ts'
import { migrationFiles } from '../../src/init/writers/migration/migration-files.ts'
import type { ProtectPlan } from '../../src/protect/change.ts'
import { renderOneScript } from '../../src/protect/render/sql.ts'
import { memoryProject } from './memory-project.ts'
import { openSession, type Session } from './session.ts'

const ROLE = `decisions_last_${process.pid}`
const plan: ProtectPlan = {
  setting: { setting: 'app.current_tenant_id', path: [] },
  changes: [
    {
      phase: 'protect',
      object: 'public.t',
      up: [`GRANT SELECT ON public.t TO ${ROLE};`],
      down: [`REVOKE SELECT ON public.t FROM ${ROLE};`],
    },
  ],
  decisions: [{ object: 'public.t', reason: 'is it needed?', sql: `REVOKE SELECT ON public.t\n  FROM ${ROLE};` }],
  notes: [],
  crossingChecks: [],
}
const style: CodeStyle = {
  language: 'js',
  modules: 'commonjs',
  importEnding: '',
  sourceFolder: 'src',
  testFolder: 'test',
  testMark: '.test',
  testLanguage: 'js',
}

let server: ThrowAwayServer
let database: string
let session: Session
beforeAll(async () => {
  server = await openThrowAwayServer(inject('postgres').url, { external: true, end: async () => {} })
  database = await server.createDatabase()
  session = await openSession(server.url(database))
  await session.query(`create role ${ROLE}; create table public.t (id int)`)
})
afterAll(async () => {
  await session.query(`drop table public.t; drop role ${ROLE}`)
  await session.end()
  await server.dropDatabase(database)
})

/** The text of the up migration. */
function written(tool: MigrationTool): string {
  const migrations: Migrations = { tool, folder: 'migrations', exists: true, language: 'js', command: undefined }
  const files = migrationFiles(memoryProject({}), migrations, style, plan, new Date())
  return files.find(({ path }) => /partywall/i.test(path) && !/down|(?:^|\/)U\d/.test(path))?.content ?? ''
}

const uncommented = (text: string) => {
  const at = text.search(/^ *(?:--|\/\/) TO DECIDE/m)
  expect(at).toBeGreaterThan(0)
  return text.slice(0, at) + text.slice(at).replace(/^ *(?:--|\/\/) {3}/gm, '')
}

async function mayRead(): Promise<unknown> {
  return (await session.query(`select has_table_privilege('${ROLE}', 'public.t', 'select') as may`))[0]?.['may']
}

it.each<MigrationTool>(['sql', 'prisma', 'drizzle', 'flyway', 'node-pg-migrate'])(
  'a REVOKE that a person uncomments in a migration of %s is not undone by a GRANT of the same file',
  async (tool) => {
    const text = written(tool).split('-- Down Migration')[0] ?? ''
    await session.query(text)
    expect(await mayRead()).toBe(true)
    await session.query(`revoke all on public.t from ${ROLE}`)
    await session.query(uncommented(text))
    expect(await mayRead()).toBe(false)
  },
)

it('the same holds for the script of partywall protect', async () => {
  await session.query(uncommented(renderOneScript(plan)))
  expect(await mayRead()).toBe(false)
})

it.each<[MigrationTool, string]>([
  ['knex', 'raw'],
  ['typeorm', 'query'],
])('a decision in a migration of %s is code that runs once its comment marks are gone', async (tool, method) => {
  const run = async (text: string) => {
    const module: { exports: Record<string, unknown> } = { exports: {} }
    new Function('exports', 'module', text)(module.exports, module)
    const [made] = Object.values(module.exports)
    const up: unknown = tool === 'knex' ? module.exports['up'] : Reflect.get(Object(Object(made).prototype), 'up')
    if (typeof up !== 'function') throw new Error('the migration has no up')
    await session.query('begin')
    await up({ [method]: (sql: string) => session.query(sql) })
    await session.query('commit')
  }
  await run(written(tool))
  expect(await mayRead()).toBe(true)
  await run(uncommented(written(tool)))
  expect(await mayRead()).toBe(false)
})
