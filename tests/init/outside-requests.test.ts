// Code that the pool of the wall refuses although no route of a tenant is wrong: scripts, the start of the server, health checks.
import { describe, expect, it } from 'vitest'
import { detectProject } from '../../src/init/detection/project.ts'
import { wire } from '../../src/init/wiring/wire.ts'
import { memoryProject, packageJson } from './memory-project.ts'

function leftOf(dependencies: readonly string[], files: Readonly<Record<string, string>>): string {
  const project = memoryProject({ 'package.json': packageJson(dependencies, { type: 'module' }), ...files })
  const { byHand } = wire(project, detectProject(project, {}), 'src/partywall.ts')
  return byHand.map(({ path, why }) => `${path}: ${why}`).join('\n')
}

const POOL = { 'src/db/pool.js': "import pg from 'pg'\nexport const pool = new pg.Pool()\n" }

describe('scripts of migrations and seeds', () => {
  it('are named, if their connection is that of a module whose pool init changes, also by a file between', () => {
    const left = leftOf(['pg'], {
      ...POOL,
      'src/db/index.js': "export * from './pool.js'",
      'migrations/run-migrations.js': "import { pool } from '../src/db/pool.js'\nawait pool.query(sql)",
      'src/seed-demo.js': "const { pool } = require('./db')",
    })
    expect(left).toMatch(
      /^migrations\/run-migrations\.js: it runs without a request, on the connection of src\/db\/pool\.js.* Give this file a pg\.Pool of its own, with DATABASE_URL/m,
    )
    expect(left).toMatch(/^src\/seed-demo\.js: it runs without a request/m)
  })

  it('are not named, if they have a connection of their own or do not use the pool', () => {
    const left = leftOf(['pg'], {
      ...POOL,
      'scripts/migrate.js': "import '../src/db/pool.js'\nconst own = new pg.Pool()",
      'scripts/format.js': "import fs from 'node:fs'",
      'src/users.js': "import { pool } from './db/pool.js'",
    })
    expect(left).not.toContain('without a request')
  })

  it('need a client of their own with Prisma', () => {
    const left = leftOf(['@prisma/client'], {
      'src/db.ts': 'export const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: u }) })',
      'prisma/seed.ts': "import { prisma } from '../src/db'\nawait prisma.user.create({ data })",
    })
    expect(left).toMatch(/^prisma\/seed\.ts: .* on the connection of src\/db\.ts.* a PrismaClient of its own/m)
  })
})

describe('statements without a tenant', () => {
  const named = (files: Readonly<Record<string, string>>, ...more: readonly string[]) =>
    /^(.*): statements at the start of the server or in a health check/m.exec(
      leftOf(['pg', ...more], { ...POOL, ...files }),
    )?.[1]

  it('are named at the start of the server and in health routes', () => {
    expect(named({ 'src/server.js': "await pool.query('SELECT NOW()')\napp.listen(3000)" })).toBe('src/server.js')
    expect(named({ 'src/server.js': 'await pool.query(`select count(*) from jobs`)\napp.listen(3000)' })).toBe(
      'src/server.js',
    )
    expect(named({ 'src/app.js': "app.get('/api/health', async () => {\n await pool.query('select 1') })" })).toBe(
      'src/app.js',
    )
    const users = "app.get('/api/healthz', async () => { await pool.query('select count(*) from users') })"
    expect(named({ 'src/app.js': users })).toBe('src/app.js')
    expect(named({ 'src/a.ts': 'await prisma.$queryRaw`SELECT 1`' }, '@prisma/client')).toBe('src/a.ts')
    expect(named({ 'src/health.controller.ts': "db.pingCheck('database')" })).toBe('src/health.controller.ts')
  })

  it('are not seen in statements that read a table, and in health checks that ask no database', () => {
    const files = {
      'src/app.js':
        "app.get('/health', (q, s) => s.json({}))\napp.get('/users', () => pool.query('select * from users'))",
      'src/users.js': "pool.query('select 1 from users where id = $1')\napp.get('/ping', (q, s) => s.end())",
      'src/server.js': 'createApp().listen(3000)',
    }
    expect(named(files)).toBeUndefined()
  })

  it('belong on the entry pool', () => {
    const left = leftOf(['pg'], { ...POOL, 'src/server.js': "pool.query('select 1')" })
    expect(left).toContain('use entryPool of src/partywall.ts there')
  })
})
