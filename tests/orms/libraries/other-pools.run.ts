// Libraries that work before there is a tenant, or that bring their own tables: on a pool of their own, and what the tenant pool does with
// them. pg-boss and graphile-worker open their tenant from an envelope.
import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import PostgresAdapter from '@auth/pg-adapter'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { getCurrentTenant, runWithoutTenant, runWithTenant } from '../../../src/context/run-with-tenant.ts'
import type { Partywall } from '../../../src/partywall.ts'
import { afterFile } from '../../setup/after-file.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../../setup/database.ts'
import { createTestWall } from '../../setup/wall.ts'

const require = createRequire(import.meta.url)

let database: TestDatabase
let wall: Partywall
let a: TestTenant
let b: TestTenant
/** The login of the library: it owns a schema of its own, and has no rights on tables of tenants. */
let own: pg.Pool
const as = <T>(tenant: TestTenant, fn: () => Promise<T>) =>
  runWithTenant({ tenantId: tenant.id, userId: tenant.userId, roles: ['owner'] }, fn)

beforeAll(async () => {
  database = await createTestDatabase()
  ;({ wall } = await createTestWall(database, {
    membership: async () => ({ roles: ['owner'] }),
  }))
  a = await createTestTenant(database)
  b = await createTestTenant(database)
  const role = `library_${randomBytes(6).toString('hex')}`
  const password = randomBytes(12).toString('hex')
  await database.admin(`create role ${role} login password '${password}'`)
  await database.admin(`create schema ${role} authorization ${role}`)
  await database.admin(`grant create on database "${database.name}" to ${role}`)
  const url = new URL(database.adminUrl)
  url.username = role
  url.password = password
  own = new pg.Pool({ connectionString: url.href, options: `-c search_path=${role}`, max: 4 })
  own.on('error', () => {})
  afterFile(async () => {
    await own.end()
    await database.admin(`drop owned by ${role} cascade`)
    await database.admin(`drop role ${role}`)
  })
})

it('the login of a library reads no row of a tenant', async () => {
  await expect(own.query('select * from public.documents')).rejects.toMatchObject({ code: '42501' })
})

describe('jobs', () => {
  const report = async () => {
    const { rows } = await wall.pool.query('select tenant_id from documents')
    return { tenant: getCurrentTenant().tenantId, read: [...new Set(rows.map((row) => row.tenant_id))] }
  }
  const envelope = (tenant: TestTenant) => as(tenant, () => wall.exportContext({ audience: 'report', expiresIn: '1h' }))
  const open = (text: string) => wall.importContext(text, { audience: 'report' }, report)

  it('pg-boss: a handler works for the tenant of its envelope, and for none without', async () => {
    const PgBoss = require('pg-boss')
    const executeSql = (text: string, values: unknown[]) => own.query(text, values)
    const boss = new PgBoss({ db: { executeSql }, supervise: false, schedule: false, schema: 'boss_of_library' })
    boss.on('error', () => {})
    await boss.start()
    await boss.createQueue('report')
    for (const tenant of [a, b]) await boss.send('report', { envelope: await envelope(tenant) })
    const jobs: { data: { envelope: string } }[] = await boss.fetch('report', { batchSize: 2 })
    const done = await Promise.all(jobs.map((job) => open(job.data.envelope)))
    expect(done).toHaveLength(2)
    expect(done).toEqual(expect.arrayContaining([a, b].map(({ id }) => ({ tenant: id, read: [id] }))))
    await expect(report()).rejects.toMatchObject({ code: 'PARTYWALL_CONTEXT_MISSING' })
    const [first] = jobs
    await expect(open(`${first?.data.envelope}x`)).rejects.toMatchObject({ code: 'PARTYWALL_AUTHENTICATION' })
    await boss.stop({ graceful: false })
  })

  it('graphile-worker: a task works for the tenant of its envelope', async () => {
    const { runOnce, makeWorkerUtils, Logger } = require('graphile-worker')
    const logger = new Logger(() => () => {})
    const utils = await makeWorkerUtils({ pgPool: own, logger, schema: 'worker_of_library' })
    for (const tenant of [a, b]) await utils.addJob('report', { envelope: await envelope(tenant) })
    await utils.release()
    const done: unknown[] = []
    const task = async (payload: { envelope: string }) => void done.push(await open(payload.envelope))
    await runOnce({ pgPool: own, logger, schema: 'worker_of_library', taskList: { report: task } })
    expect(done).toHaveLength(2)
    expect(done).toEqual(expect.arrayContaining([a, b].map(({ id }) => ({ tenant: id, read: [id] }))))
  })
})

describe('sessions', () => {
  it('connect-pg-simple keeps sessions on its own pool, and is refused on the tenant pool', async () => {
    const session = require('express-session')
    const Store = require('connect-pg-simple')(session)
    await own.query(
      'create table web_session (sid varchar primary key, sess json not null, expire timestamp(6) not null)',
    )
    const store = new Store({ pool: own, tableName: 'web_session', pruneSessionInterval: false })
    const value = { cookie: { maxAge: 60_000 }, user: 'u' }
    await new Promise<void>((resolve, reject) =>
      store.set('s1', value, (error: unknown) => (error ? reject(error) : resolve())),
    )
    const read = (from: { get: (...given: unknown[]) => void }) =>
      new Promise((resolve, reject) =>
        from.get('s1', (error: unknown, found: unknown) => (error ? reject(error) : resolve(found))),
      )
    expect(await read(store)).toMatchObject({ user: 'u' })
    const onTenants = new Store({ pool: wall.pool, tableName: 'web_session', pruneSessionInterval: false })
    await expect(read(onTenants)).rejects.toMatchObject({ code: 'PARTYWALL_CONTEXT_MISSING' })
  })

  it('better-auth signs users up and in on its own pool', async () => {
    const options = {
      database: own,
      secret: randomBytes(32).toString('hex'),
      baseURL: 'http://127.0.0.1:1',
      emailAndPassword: { enabled: true },
      telemetry: { enabled: false },
    }
    await (await getMigrations(options)).runMigrations()
    const auth = betterAuth(options)
    const body = { email: 'user@example.com', password: 'a long password', name: 'User' }
    const { user } = await auth.api.signUpEmail({ body })
    const signedIn = await auth.api.signInEmail({ body })
    expect(signedIn.user.id).toBe(user.id)
  })
})

describe('Auth.js', () => {
  it('its adapter works inside a tenant alone: outside it is refused, and in an empty context it finds nobody', async () => {
    await database.admin(`alter table users add column "emailVerified" timestamptz, add column image text`)
    const adapter = PostgresAdapter(wall.pool as never)
    const find = async () => adapter.getUserByEmail?.('owner@example.com')
    await expect(find()).rejects.toMatchObject({ code: 'PARTYWALL_CONTEXT_MISSING' })
    expect(await runWithoutTenant(find)).toBeNull()
    expect(await as(a, find)).toMatchObject({ tenant_id: a.id })
    expect(await as(b, find)).toMatchObject({ tenant_id: b.id })
  })
})

describe('PostGraphile', () => {
  it('answers each tenant with its own rows, and nobody without one', async () => {
    const { createPostGraphileSchema, withPostGraphileContext } = require('postgraphile')
    const { graphql } = require('graphql')
    // recipe
    const pgPool = new wall.Pool()
    const schema = await runWithoutTenant(() => createPostGraphileSchema(pgPool, 'public'))
    // end of recipe
    const ask = (settings: Record<string, string> = {}) =>
      withPostGraphileContext({ pgPool, pgSettings: settings }, (context: object) =>
        graphql(schema, '{ allDocuments { nodes { tenantId title } } }', null, context),
      )
    const tenantsOf = (answer: { data: { allDocuments: { nodes: { tenantId: string }[] } } }) =>
      answer.data.allDocuments.nodes.map(({ tenantId }) => tenantId)
    const [left, right] = await Promise.all([as(a, () => ask()), as(b, () => ask())])
    expect(tenantsOf(left as never)).toEqual([a.id])
    expect(tenantsOf(right as never)).toEqual([b.id])
    // Its own settings can't name another tenant.
    const forged = await as(a, () => ask({ 'app.current_tenant_id': b.id }).then(tenantsOf as never, () => []))
    expect(forged).not.toContain(b.id)
    await expect((async () => ask())()).rejects.toThrow()
  })
})
