import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createTenantPool, type TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { createSecurityEvents, type SecurityEvent } from '../../src/events/security-events.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'

let database: TestDatabase
let pool: TenantPool
let a: TestTenant
let b: TestTenant
const heard: SecurityEvent[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  const events = createSecurityEvents()
  events.on('*', (event) => heard.push(event))
  pool = createTenantPool({
    connectionString: database.appUrl,
    acrossTenantsUrl: database.acrossUrl,
    seal: { secret: database.sealSecret },
    roles: {},
    events,
    logger: silentLogger,
  })
  afterFile(() => pool.end())
  a = await createTestTenant(database)
  b = await createTestTenant(database)
})

const request = { reason: 'monthly report', actor: 'ops@example.com' }
const crossings = async () => (await database.admin('select count(*)::int as n from partywall.crossings')).rows[0].n

describe('runAcrossTenants', () => {
  it('reads all tenants, and was written down before', async () => {
    const before = await crossings()
    const rows = await pool.runAcrossTenants(request, async () => {
      expect(await crossings()).toBe(before + 1)
      return (await pool.query('select distinct tenant_id from documents')).rows
    })
    expect(rows.map((row) => row.tenant_id).sort()).toEqual([a.id, b.id].sort())
    expect(heard.map((event) => event.type)).toContain('CROSS_TENANT_SCOPE_OPENED')
  })

  it('writes nothing, also in a transaction that asks to', async () => {
    await pool.runAcrossTenants(request, async () => {
      await expect(pool.query("update documents set title = 'x'")).rejects.toMatchObject({ code: '25006' })
      await expect(
        pool.transaction((tx) => tx.query("select set_config('transaction_read_only', 'off', true)")),
      ).rejects.toMatchObject({ code: '25001' })
    })
  })

  it('writes in a nested context of one tenant', async () => {
    await pool.runAcrossTenants(request, () =>
      runWithTenant({ tenantId: b.id, userId: b.userId }, () =>
        pool.query("insert into documents (title) values ('nested')"),
      ),
    )
    const { rows } = await database.admin("select tenant_id from documents where title = 'nested'")
    expect(rows).toEqual([{ tenant_id: b.id }])
  })

  it('does not run when it could not be recorded', async () => {
    const refusing = createTenantPool({
      connectionString: database.appUrl,
      acrossTenantsUrl: database.acrossUrl,
      seal: { secret: database.sealSecret },
      recordCrossing: () => Promise.reject(new Error('the log is full')),
      logger: silentLogger,
    })
    let ran = false
    await expect(
      refusing.runAcrossTenants(request, () => {
        ran = true
      }),
    ).rejects.toMatchObject({ code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE' })
    expect(ran).toBe(false)
    await refusing.end()
  })

  it('ends with its function: work that is left over throws', async () => {
    let later: () => Promise<unknown> = async () => {}
    let nested: () => Promise<unknown> = async () => {}
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    let left: Promise<unknown> = Promise.resolve()
    await pool.runAcrossTenants(request, async () => {
      later = () => gate.then(() => pool.query('select * from documents'))
      left = later()
      nested = () => runWithTenant({ tenantId: a.id, userId: 'x' }, () => gate.then(() => pool.query('select 1')))
      left = Promise.allSettled([left, nested()])
    })
    release()
    expect(await left).toMatchObject([
      { status: 'rejected', reason: { code: 'PARTYWALL_TENANT_ISOLATION' } },
      { status: 'rejected', reason: { code: 'PARTYWALL_TENANT_ISOLATION' } },
    ])
  })

  it('is refused inside a tenant, and where reason or actor is missing', async () => {
    await runWithTenant({ tenantId: a.id, userId: a.userId }, () =>
      expect(pool.runAcrossTenants(request, () => 1)).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_ISOLATION' }),
    )
    await expect(pool.runAcrossTenants({ reason: ' ', actor: '' }, () => 1)).rejects.toMatchObject({
      code: 'PARTYWALL_CONFIGURATION',
    })
  })

  it('can’t be reached by the application’s own login', async () => {
    await expect(
      runWithTenant({ tenantId: a.id, userId: 'x' }, () =>
        pool.query("select set_config('role', 'partywall_cross', true)"),
      ),
    ).rejects.toMatchObject({ code: '42501' })
  })
})
