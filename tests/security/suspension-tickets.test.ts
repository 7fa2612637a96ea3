// A suspension takes effect in the database itself, whoever was registering a ticket at that moment.
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { SealMaker } from '../../src/seal/seal.ts'
import { lastSecondOf, slotAt, TicketMaker, ticketHash } from '../../src/seal/ticket.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { createTwoTenants } from '../setup/two-tenants.ts'
import { createTestWall } from '../setup/wall.ts'

describe('suspending a tenant', () => {
  let database: TestDatabase
  let tenant: TestTenant
  const open: pg.Client[] = []

  beforeAll(async () => {
    database = await createTestDatabase()
    tenant = await createTestTenant(database)
    afterFile(() => Promise.all(open.map((client) => client.end())))
  })

  async function connect(url: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    open.push(client)
    return client
  }

  const slot = () => slotAt(Date.now())
  const ticket = () =>
    new TicketMaker(database.sealSecret).ticket(
      { database: database.name, tenantId: tenant.id, readOnly: false },
      slot(),
    )

  /** Registers the tenant's ticket, as the pool does, in the client's own transaction. */
  async function register(client: pg.Client): Promise<number> {
    const { text, mac } = new SealMaker(database.sealSecret).registration(
      [{ hash: ticketHash(ticket()), tenant: tenant.id }],
      { database: database.name, notAfter: lastSecondOf(slot()), now: Date.now() },
    )
    const { rows } = await client.query('select partywall.register_tickets($1, $2) as added', [text, mac])
    return rows[0].added
  }

  /** What the next statement gets: by its ticket alone, and by a whole seal without a ticket. */
  async function next(): Promise<Record<'ticket' | 'seal', unknown>> {
    const client = await connect(database.appUrl)
    const { rows } = await client.query('select pg_backend_pid() as pid')
    const whole = new SealMaker(database.sealSecret).seal(
      { tenantId: tenant.id, userId: 'u', actor: '', level: 'tenant_user', readOnly: false },
      { database: database.name, backendPid: rows[0].pid },
      Math.floor(Date.now() / 1000) + 60,
    )
    const answer = async (seal: string) => {
      await client.query('begin')
      await client.query(
        "select set_config('role', 'tenant_user', true), set_config('app.current_tenant_id', $1, true), set_config('app.tenant_seal', $2, true)",
        [tenant.id, seal],
      )
      const got = await client.query('select count(*)::int as n from documents').then(
        (result) => result.rows[0].n,
        (error: Error) => error.message,
      )
      await client.query('rollback')
      return got
    }
    return { ticket: await answer(`${ticket()}x`), seal: await answer(whole) }
  }

  const setStatus = (status: string, client?: pg.Client) => {
    const text = 'update tenants set status = $2 where id = $1'
    return client === undefined ? database.admin(text, [tenant.id, status]) : client.query(text, [tenant.id, status])
  }

  async function waitsForLock(pid: number): Promise<void> {
    await expect
      .poll(
        async () =>
          (await database.admin('select wait_event_type from pg_stat_activity where pid = $1', [pid])).rows[0]
            ?.wait_event_type,
        { timeout: 10_000 },
      )
      .toBe('Lock')
  }

  async function session(url: string): Promise<{ client: pg.Client; pid: number }> {
    const client = await connect(url)
    const { rows } = await client.query('select pg_backend_pid() as pid')
    return { client, pid: rows[0].pid }
  }

  const asApp = (client: pg.Client) => client.query("begin; select set_config('role', 'tenant_user', true)")

  const refused = {
    ticket: expect.stringMatching(/^partywall: the seal (names no key|is not valid)/),
    seal: 'partywall: the tenant is suspended',
  }

  it('refuses its next statement, by ticket and by seal, and lets it in again', async () => {
    const { client } = await session(database.appUrl)
    await asApp(client)
    expect(await register(client)).toBe(1)
    await client.query('commit')
    expect(await next()).toEqual({ ticket: 1, seal: 1 })
    await setStatus('suspended')
    expect(await next()).toEqual(refused)
    await setStatus('active')
    expect(await next()).toMatchObject({ seal: 1 })
  })

  it('waits for a registration that is under way, and takes its ticket back', async () => {
    const app = await session(database.appUrl)
    const admin = await session(database.adminUrl)
    await asApp(app.client)
    expect(await register(app.client)).toBe(1)
    const suspended = setStatus('suspended', admin.client)
    await waitsForLock(admin.pid)
    await app.client.query('commit')
    await suspended
    expect(await next()).toEqual(refused)
    await setStatus('active')
  })

  it('is not waited for by a registration, which leaves the tenant out', async () => {
    const app = await session(database.appUrl)
    const admin = await session(database.adminUrl)
    await admin.client.query('begin')
    await setStatus('suspended', admin.client)
    await asApp(app.client)
    expect(await register(app.client)).toBe(0)
    await app.client.query('commit')
    await admin.client.query('commit')
    expect(await next()).toEqual(refused)
    await setStatus('active')
  })

  it('leaves a tenant that was never suspended alone where its suspension was rolled back', async () => {
    const admin = await session(database.adminUrl)
    await admin.client.query('begin')
    await setStatus('suspended', admin.client)
    await admin.client.query('rollback')
    expect(await next()).toMatchObject({ seal: 1 })
  })

  it('is told by name to the application, whose directory has not heard of it', async () => {
    const two = await createTwoTenants()
    const pool = two.pool()
    await two.as(two.a, () => pool.query('select count(*) from documents'))
    await two.database.admin("update tenants set status = 'suspended' where id = $1", [two.a.id])
    await expect(two.as(two.a, () => pool.query('select count(*) from documents'))).rejects.toMatchObject({
      code: 'PARTYWALL_TENANT_INACTIVE',
    })
    expect((await two.as(two.b, () => pool.query('select count(*)::int as n from documents'))).rows).toEqual([{ n: 1 }])
    await pool.end()
  })

  it('ends a transaction whose snapshot is older', async () => {
    const other = await createTestTenant(database)
    const { wall } = await createTestWall(database)
    await wall.ready()
    await expect.poll(() => wall.tenants.listening, { timeout: 5_000 }).toBe(true)
    const visit = { tenantId: other.id, actor: 'staff', reason: 'ticket', expiresIn: '1h' } as const
    const work = wall.actAs(visit, () =>
      wall.pool.transaction(
        async (transaction) => {
          await transaction.query('select count(*) from documents')
          await database.admin("update tenants set status = 'suspended' where id = $1", [other.id])
          for (;;) {
            await transaction.query('select count(*) from documents')
            await new Promise((resolve) => setTimeout(resolve, 20))
          }
        },
        { isolation: 'repeatable read' },
      ),
    )
    await expect(work).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_INACTIVE' })
  })
})

describe('serializable transactions', () => {
  it('of two tenants never fail because of each other’s tickets', async () => {
    const two = await createTwoTenants()
    const pool = two.pool({ max: 4 })
    const work = (tenant: TestTenant, times: number) =>
      runWithTenant({ tenantId: tenant.id, userId: 'u' }, async () => {
        for (let time = 0; time < times; time++)
          await pool.transaction(
            async (transaction) => {
              await transaction.query('select count(*) from documents')
              await transaction.query("update documents set title = 'changed' where id = $1", [tenant.documentId])
            },
            { isolation: 'serializable' },
          )
      })
    await Promise.all([work(two.a, 40), work(two.b, 40)])
    await pool.end()
  })
})
