// The migration for sequelize-cli, which runs only files of code.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { openThrowAwayServer, type ThrowAwayServer } from '../../src/embedded/throw-away-server.ts'
import { detectProject } from '../../src/init/detection/project.ts'
import { migrationFiles } from '../../src/init/writers/migration/migration-files.ts'
import type { ProtectPlan } from '../../src/protect/change.ts'
import { memoryProject, packageJson } from './memory-project.ts'
import { openSession, type Session } from './session.ts'

const ROLE = `sequelize_migration_${process.pid}`
const OWN = "'use strict'\nmodule.exports = {\n  async up(queryInterface, Sequelize) {},\n}\n"
const PLAN: ProtectPlan = {
  setting: { setting: 'app.current_tenant_id', path: [] },
  changes: [
    {
      phase: 'protect',
      object: 'public.t',
      up: [`COMMENT ON TABLE public.t IS 'a \`b\` \${c} \\ ? :d $1';\nGRANT SELECT ON public.t TO ${ROLE};`],
      down: [`REVOKE SELECT ON public.t FROM ${ROLE};`],
    },
  ],
  decisions: [{ object: 'public.t', reason: 'is it needed?', sql: `REVOKE SELECT ON public.t\n  FROM ${ROLE};` }],
  notes: [],
  crossingChecks: [],
}

function written(own: Readonly<Record<string, string>>, now = new Date('2026-02-03T04:05:06Z')) {
  const files = memoryProject({
    'package.json': packageJson(['sequelize', 'pg', 'express'], { devDependencies: { 'sequelize-cli': '6.6.3' } }),
    ...own,
  })
  const project = detectProject(files, {})
  const [file] = migrationFiles(files, project.migrations, project.style, PLAN, now)
  return { migrations: project.migrations, path: file?.path ?? '', content: file?.content ?? '' }
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

/** Runs a direction as sequelize-cli does: with an object that sends statements. */
async function run(content: string, direction: 'up' | 'down'): Promise<void> {
  const module = { exports: {} }
  new Function('module', content)(module)
  const work: unknown = Reflect.get(module.exports, direction)
  const sequelize = {
    query: (sql: string) => session.query(sql),
    transaction: async (fn: (transaction: object) => Promise<void>) => {
      await session.query('begin')
      await fn({})
      await session.query('commit')
    },
  }
  if (typeof work !== 'function') throw new Error(`no ${direction}`)
  await work({ sequelize })
}

const mayRead = async () =>
  (await session.query(`select has_table_privilege('${ROLE}', 'public.t', 'select') as may`))[0]?.['may']

describe('a project with sequelize-cli', () => {
  it('is found by its migrations, and gets one that its command runs', () => {
    const { migrations, path } = written({ 'db/migrations/20251201100051-create.js': OWN })
    expect(migrations).toMatchObject({
      tool: 'sequelize',
      folder: 'db/migrations',
      exists: true,
      command: 'npx sequelize-cli db:migrate',
    })
    expect(path).toBe('20260203040506-partywall.js')
  })

  it('gets a migration that comes last, in the form of the last one', () => {
    const late = written({ 'migrations/20990101000000_x.cjs': OWN })
    expect(late.path).toBe('20990101000001_partywall.cjs')
    expect(late.content).toContain('module.exports = {')
    const typed = written({
      'migrations/20251201100051-a.ts': 'export const up = async (queryInterface: QueryInterface) => {}',
    })
    expect(typed.path).toBe('20260203040506-partywall.ts')
    expect(typed.content).toContain("export default {\n  async up(queryInterface: import('sequelize').QueryInterface)")
  })

  it('gets statements that PostgreSQL receives as they were planned, up and down', async () => {
    const { content } = written({ 'migrations/20251201100051-create.js': OWN })
    await run(content, 'up')
    expect(await mayRead()).toBe(true)
    const [comment] = await session.query("select obj_description('public.t'::regclass) as text")
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as above
    expect(comment?.['text']).toBe('a `b` ${c} \\ ? :d $1')
    await run(content, 'down')
    expect(await mayRead()).toBe(false)
    const at = content.indexOf('// TO DECIDE')
    await run(content.slice(0, at) + content.slice(at).replace(/^ *\/\/ {3}/gm, ''), 'up')
    expect(await mayRead()).toBe(false)
  })
})
