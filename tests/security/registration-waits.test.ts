// A registration of tickets and whoever changes the state of tenants: none waits for the other for long, and no ticket outlives a suspension.
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { SealMaker } from '../../src/seal/seal.ts'
import { lastSecondOf, slotAt, TicketMaker, ticketHash } from '../../src/seal/ticket.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestTenant, type TestTenant } from '../setup/database.ts'
import { untilTicketsKnown } from '../setup/known-tickets.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

describe('a registration of tickets', () => {
  let two: TwoTenants
  let admin: pg.Client
  beforeAll(async () => {
    two = await createTwoTenants()
    admin = new pg.Client({ connectionString: two.database.adminUrl })
    await admin.connect()
    afterFile(() => admin.end())
  })

  const suspend = (tenant: TestTenant, client: Pick<pg.Client, 'query'> = admin) =>
    client.query("update tenants set status = 'suspended' where id = $1", [tenant.id])

  /** Registers the tenants' tickets, as the pool does, in the client's own transaction. */
  async function register(client: pg.Client, tenants: readonly TestTenant[], slot = slotAt(Date.now())) {
    const maker = new TicketMaker(two.database.sealSecret)
    const { text, mac } = new SealMaker(two.database.sealSecret).registration(
      tenants.map(({ id }) => ({
        hash: ticketHash(maker.ticket({ database: two.database.name, tenantId: id, readOnly: false }, slot)),
        tenant: id,
      })),
      { database: two.database.name, notAfter: lastSecondOf(slot), now: Date.now() },
    )
    await client.query("select set_config('role', 'tenant_user', true)")
    const { rows } = await client.query('select partywall.register_tickets($1, $2) as added', [text, mac])
    return rows[0].added
  }

  const ticketsOf = async (tenant: TestTenant) =>
    (await two.database.admin('select count(*)::int as n from partywall.tickets where tenant_id = $1', [tenant.id]))
      .rows[0].n

  async function asApp(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: two.database.appUrl })
    await client.connect()
    return client
  }

  it.each([
    ['was never seen before', false],
    ['had tickets before', true],
  ])('keeps no connection where an administrator’s transaction holds a tenant that %s', async (_which, seen) => {
    const held = await createTestTenant(two.database)
    const other = await createTestTenant(two.database)
    if (seen) {
      const before = two.pool()
      await untilTicketsKnown(before, [held])
      await before.end()
      await two.database.admin('delete from partywall.tickets where tenant_id = $1', [held.id])
    } else await two.database.admin('delete from partywall.tenant_states where tenant_id = $1', [held.id])
    const pool = two.pool()
    await two.as(other, () => pool.query('select 1'))
    await admin.query('begin')
    await suspend(held)
    await two.as(held, () => pool.query('select 1'))
    const begun = Date.now()
    await two.as(other, () => pool.query('select 1'))
    expect(Date.now() - begun).toBeLessThan(3_000)
    await admin.query('rollback')
    await pool.end()
  })

  it('leaves out the one tenant that is being suspended, and registers the others', async () => {
    const known = [await createTestTenant(two.database), await createTestTenant(two.database)] as const
    const app = await asApp()
    await app.query('begin')
    await register(app, known, slotAt(Date.now()) - 1)
    await app.query('commit')
    await admin.query('begin')
    await suspend(known[0])
    await app.query('begin')
    expect(await register(app, known)).toBe(1)
    await app.query('commit')
    await admin.query('commit')
    expect(await ticketsOf(known[0])).toBe(0)
    await app.end()
  })

  it.each(['repeatable read', 'serializable'])(
    'never outlives a suspension in %s, whose snapshot does not show its ticket',
    async (isolation) => {
      const tenant = await createTestTenant(two.database)
      const app = await asApp()
      await app.query('begin')
      await register(app, [tenant], slotAt(Date.now()) - 1)
      await app.query('commit')
      await admin.query(`begin isolation level ${isolation}`)
      await admin.query('select 1 from tenants')
      await app.query('begin')
      expect(await register(app, [tenant])).toBe(1)
      await app.query('commit')
      const suspended = await suspend(tenant).then(
        () => admin.query('commit').then(() => true),
        (error: { code: string }) => error.code,
      )
      await admin.query('rollback')
      expect(suspended === '40001' || (await ticketsOf(tenant)) === 0).toBe(true)
      await app.end()
    },
  )

  it('in REPEATABLE READ is an error where its snapshot does not show a suspension', async () => {
    const tenant = await createTestTenant(two.database)
    const app = await asApp()
    await app.query('begin isolation level repeatable read')
    await app.query('select 1')
    await suspend(tenant)
    await expect(register(app, [tenant])).rejects.toMatchObject({ code: '40001' })
    await app.end()
    expect(await ticketsOf(tenant)).toBe(0)
  })

  it('deadlocks with no administrator who suspends many tenants in another order', async () => {
    const tenants = [await createTestTenant(two.database), await createTestTenant(two.database)]
    const [first, second] = tenants.sort((one, other) => (one.id < other.id ? -1 : 1))
    if (first === undefined || second === undefined) throw new Error('no tenants')
    await two.database.admin('delete from partywall.tenant_states')
    const app = await asApp()
    await admin.query('begin')
    await suspend(second)
    await app.query('begin')
    const registered = register(app, tenants).catch((error: { code: string }) => error.code)
    await new Promise((resolve) => setTimeout(resolve, 50))
    await suspend(first)
    await admin.query('commit')
    await registered
    await app.query('rollback')
    expect(await ticketsOf(first)).toBe(0)
    expect(await ticketsOf(second)).toBe(0)
    await app.end()
  })
})
