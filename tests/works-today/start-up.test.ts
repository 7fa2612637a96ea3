// Libraries whose start-up statements a sealed pool refuses: the error names a fix, and the fix works. They have packages of their own,
// installed on first use.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithoutTenant } from '../../src/context/run-with-tenant.ts'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

const folder = fileURLToPath(new URL('../libraries/', import.meta.url))
const require = createRequire(`${folder}package.json`)

let two: TwoTenants
let pool: TenantPool
let plain: pg.Pool
beforeAll(async () => {
  if (!existsSync(`${folder}node_modules/pg-boss`)) {
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
    const installed = spawnSync(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: folder,
      encoding: 'utf8',
    })
    if (installed.status !== 0) throw new Error(`npm ci in tests/libraries: ${installed.stdout}${installed.stderr}`)
  }
  two = await createTwoTenants()
  pool = two.pool({ max: 4 })
  pool.on('error', () => {})
  plain = new pg.Pool({ connectionString: two.database.adminUrl, max: 4 })
  afterFile(() => Promise.all([pool.close({ timeoutMs: 1_000 }), plain.end()]))
}, 240_000)

/** What an error says, and what stands behind it: libraries wrap. */
function saidBy(error: unknown): string {
  const inner = ['cause', 'parent', 'original'].map((name) =>
    error !== null && typeof error === 'object' ? (Reflect.get(error, name) as unknown) : undefined,
  )
  return [error instanceof Error ? error.message : String(error), ...inner.filter(Boolean).map(saidBy)].join(' ')
}

const saying = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'it was not refused',
    (error: unknown) => saidBy(error),
  )

describe('pg-boss', () => {
  const bossOn = (on: { query(text: string, values?: unknown[]): Promise<pg.QueryResult> }) => {
    const PgBoss = require('pg-boss')
    const db = { executeSql: (text: string, values: unknown[]) => on.query(text, values) }
    const boss = new PgBoss({ db, supervise: false, schedule: false })
    boss.on('error', () => {})
    return boss
  }

  it('is told to take a pool of its own, and works with one', async () => {
    const refused = await saying(
      runWithoutTenant(() => bossOn({ query: (text, values) => pool.query(text, values) }).start()),
    )
    expect(refused).toContain('its own plain pg.Pool')
    expect(refused).toContain('importContext')
    const boss = bossOn(plain)
    await boss.start()
    await boss.createQueue('reports')
    await boss.send('reports', { envelope: 'of wall.exportContext()' })
    expect(await boss.fetch('reports')).toMatchObject([{ data: { envelope: 'of wall.exportContext()' } }])
    await boss.stop({ graceful: false })
  })
})

describe('graphile-worker', () => {
  it('is told to take a pool of its own, and works with one', async () => {
    const { runOnce, makeWorkerUtils } = require('graphile-worker')
    const logger = new (require('graphile-worker').Logger)(() => () => {})
    const refused = await saying(runWithoutTenant(() => makeWorkerUtils({ pgPool: pool, logger })))
    expect(refused).toContain('its own plain pg.Pool')
    const utils = await makeWorkerUtils({ pgPool: plain, logger })
    await utils.addJob('report', { envelope: 'of wall.exportContext()' })
    await utils.release()
    const done: unknown[] = []
    await runOnce({ pgPool: plain, logger, taskList: { report: (payload: unknown) => void done.push(payload) } })
    expect(done).toEqual([{ envelope: 'of wall.exportContext()' }])
  })
})

describe('Sequelize', () => {
  const sequelizeOn = (options: object) => {
    const { Sequelize } = require('sequelize')
    const url = two.database.appUrl
    return new Sequelize(url, {
      dialect: 'postgres',
      dialectModule: { ...pg, Client: pool.Client },
      logging: false,
      ...options,
    })
  }
  const titles = (sequelize: { query(text: string): Promise<[unknown[]]> }) =>
    two.as(two.a, async () => (await sequelize.query('select title from documents'))[0])

  it('is told its three settings, and works with them', async () => {
    const careless = sequelizeOn({})
    const refused = await saying(titles(careless))
    for (const setting of [
      'standardConformingStrings: false',
      'keepDefaultTimezone: true',
      "clientMinMessages: 'ignore'",
    ])
      expect(refused).toContain(setting)
    await careless.close()
    const told = sequelizeOn({
      standardConformingStrings: false,
      keepDefaultTimezone: true,
      dialectOptions: { clientMinMessages: 'ignore' },
    })
    expect(await titles(told)).toEqual([{ title: 'First document' }])
    await told.close()
  })
})

describe('Slonik', () => {
  it('is told to reset nothing, and works so', async () => {
    const titles = async (own: TenantPool, options: object) => {
      // Slonik takes no pool; its driver makes clients of the class that it finds in pg.
      require('pg').Client = own.Client
      const { createPool, sql } = require('slonik')
      const slonik = await runWithoutTenant(() =>
        createPool(two.database.appUrl, { maximumPoolSize: 1, connectionRetryLimit: 0, ...options }),
      )
      try {
        const ask = () => slonik.any(sql.unsafe`select title from documents`)
        await two.as(two.a, ask)
        return await two.as(two.a, ask)
      } finally {
        await slonik.end().catch(() => {})
      }
    }
    expect(await saying(titles(pool, {}))).toContain('statementTimeoutMs: 60000, idleInTransactionTimeoutMs: 60000')
    const same = two.pool({ statementTimeoutMs: 60_000, idleInTransactionTimeoutMs: 60_000 })
    expect(await saying(titles(same, {}))).toContain('resetConnection: async () => {}')
    expect(await titles(same, { resetConnection: async () => {} })).toEqual([{ title: 'First document' }])
    await same.close({ timeoutMs: 1_000 })
  })
})
