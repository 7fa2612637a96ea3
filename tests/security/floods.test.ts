// What a tenant can make many or large of on the server: bounded, refused, or taken away by the SQL in docs/database.md.
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { createTestWall } from '../setup/wall.ts'

describe('a tenant that floods', { timeout: 60_000 }, () => {
  let database: TestDatabase
  let wall: Partywall
  let tenant: TestTenant

  beforeAll(async () => {
    database = await createTestDatabase()
    const { wall: made } = await createTestWall(database, { protectionWatch: false, audit: false })
    wall = made
    tenant = await createTestTenant(database)
    await wall.ready()
  })

  const asTenant = <T>(work: () => Promise<T>) =>
    runWithTenant({ tenantId: tenant.id, userId: tenant.userId, roles: [] }, work)

  it('the tenants’ channel keeps nobody in who is suspended meanwhile, and the channel works again', async () => {
    await expect.poll(() => wall.tenants.listening, { timeout: 10_000 }).toBe(true)
    const victim = await createTestTenant(database)
    expect(await wall.tenants.findByClaim(victim.key)).toMatchObject({ status: 'active' })
    const flood = asTenant(() =>
      wall.pool.query(
        "select count(pg_notify('partywall_tenants', repeat('f', 64) || n)) from generate_series(1, 200000) n",
      ),
    )
    await database.admin("update tenants set status = 'suspended' where id = $1", [victim.id])
    await flood
    await expect
      .poll(async () => (await wall.tenants.findByClaim(victim.key))?.status, { timeout: 10_000 })
      .toBe('suspended')
    await expect.poll(() => wall.tenants.listening, { timeout: 20_000 }).toBe(true)
    const next = await createTestTenant(database)
    expect(await wall.tenants.findByClaim(next.key)).toMatchObject({ status: 'active' })
    await database.admin("update tenants set status = 'suspended' where id = $1", [next.id])
    await expect
      .poll(async () => (await wall.tenants.findByClaim(next.key))?.status, { timeout: 10_000 })
      .toBe('suspended')
  })

  it('prepared statements has a bounded number on a connection', async () => {
    await asTenant(async () => {
      const client = await wall.pool.connect()
      for (let n = 0; n < 400; n++) await client.query(Object.assign({ text: `select ${n}` }, { prepare: true }))
      const { rows } = await client.query('select count(*)::int as n from pg_prepared_statements')
      client.release()
      expect(rows[0].n).toBeLessThan(260)
      await expect(wall.pool.query('prepare mine as select 1')).rejects.toMatchObject({
        code: 'PARTYWALL_STATEMENT_REFUSED',
      })
    })
  })

  const costly: Record<string, string> = {
    'a large object': "select lo_from_bytea(0, '\\x00')",
    'an empty large object': 'select lo_create(0)',
    'a message in the WAL': "select pg_logical_emit_message(false, 'x', 'y')",
  }
  it.each(Object.entries(costly))(
    'makes %s until the rights of docs/database.md are taken away',
    async (name, text) => {
      expect((await asTenant(() => wall.pool.query(text))).rowCount, name).toBe(1)
      const docs = readFileSync(new URL('../../docs/database.md', import.meta.url), 'utf8')
      const [, revoke = ''] = /```sql\n {2}(REVOKE EXECUTE ON FUNCTION pg_catalog\.lo_creat[^`]+)```/.exec(docs) ?? []
      const fitting = inject('postgres').versionNumber < 170_000 ? revoke.replaceAll(', boolean)', ')') : revoke
      await database.admin(fitting)
      try {
        await expect(asTenant(() => wall.pool.query(text))).rejects.toMatchObject({ code: '42501' })
      } finally {
        await database.admin(fitting.replaceAll('REVOKE', 'GRANT').replaceAll('FROM PUBLIC', 'TO PUBLIC'))
      }
    },
  )
})
