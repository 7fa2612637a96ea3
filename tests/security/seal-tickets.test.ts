// The short way of the seal, attacked: a ticket that the database knows by its hash. The attacker holds A's ticket and wants B's rows.
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { SealMaker } from '../../src/seal/seal.ts'
import { lastSecondOf, slotAt, TicketMaker, ticketHash } from '../../src/seal/ticket.ts'
import { afterFile } from '../setup/after-file.ts'
import { untilTicketsKnown } from '../setup/known-tickets.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants
let pool: TenantPool
let database: string

beforeAll(async () => {
  two = await createTwoTenants()
  pool = two.pool()
  afterFile(() => pool.end())
  const { rows } = await two.database.admin('select current_database() as name')
  database = rows[0].name
  await untilTicketsKnown(pool, [two.a, two.b])
})

const secretOf = (tenant: { key: string }) => `secret of ${tenant.key}`
const slot = () => slotAt(Date.now())
const tickets = () => new TicketMaker(two.database.sealSecret)
const ticketOf = (tenantId: string, readOnly = false) => tickets().ticket({ database, tenantId, readOnly }, slot())
const soon = () => Math.floor(Date.now() / 1000) + 60

interface Session {
  readonly role?: string
  readonly setting?: string
  readonly begin?: string
}

/** Statements of the application's login past the pool, where anything may be set. */
async function withSeal(
  seal: string | ((pid: number) => string),
  texts: string | readonly string[],
  { role = 'tenant_user', setting = two.a.id, begin = 'begin' }: Session = {},
): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: two.database.appUrl })
  await client.connect()
  try {
    const { rows } = await client.query('select pg_backend_pid() as pid')
    await client.query(begin)
    await client.query(
      "select set_config('role', $1, true), set_config('app.current_tenant_id', $2, true), set_config('app.tenant_seal', $3, true)",
      [role, setting, typeof seal === 'string' ? seal : seal(rows[0].pid)],
    )
    let result: pg.QueryResult | undefined
    for (const text of [texts].flat()) result = await client.query(text)
    if (result === undefined) throw new Error('no statement')
    return result
  } finally {
    await client.end()
  }
}

const subject = (tenantId: string, readOnly = false) =>
  ({ tenantId, userId: 'u', actor: '', level: 'tenant_admin', readOnly }) as const
const wholeSeal =
  (tenantId: string, readOnly = false) =>
  (pid: number) =>
    new SealMaker(two.database.sealSecret).seal(
      subject(tenantId, readOnly),
      { database, backendPid: pid },
      soon(),
      ticketOf(tenantId, readOnly),
    )

describe('a known ticket', () => {
  it('shows its tenant’s rows, and is what is asked: the rest of the seal may be anything', async () => {
    const { rows } = await withSeal(`${ticketOf(two.a.id)}garbage`, 'select body from documents')
    expect(rows).toEqual([{ body: secretOf(two.a) }])
  })

  it('shows nothing where the setting names another tenant', async () => {
    const { rows } = await withSeal(ticketOf(two.a.id), 'select body from documents', { setting: two.b.id })
    expect(rows).toEqual([])
  })

  it('shows nothing without the setting: the plain policy stands beside it', async () => {
    expect((await withSeal(ticketOf(two.a.id), 'select body from documents', { setting: '' })).rows).toEqual([])
  })

  it('names no user, no actor and no level', async () => {
    for (const call of [
      'user_id()',
      'actor_id()',
      "role_at_least('tenant_user')",
      "writes_as('tenant_user')",
      'tenant_id()',
    ])
      await expect(withSeal(ticketOf(two.a.id), `select partywall.${call}`), call).rejects.toMatchObject({
        code: '42501',
      })
  })

  it('does not bear a change of any character', async () => {
    const ticket = ticketOf(two.a.id)
    for (let index = 0; index < ticket.length; index += 4) {
      const changed = ticket.slice(0, index) + (ticket[index] === '1' ? '2' : '1') + ticket.slice(index + 1)
      await expect(withSeal(changed, 'select body from documents'), `character ${index}`).rejects.toMatchObject({
        code: expect.stringMatching(/^(42501|22)/),
      })
    }
  })

  it.each([
    ['its last character is gone', (ticket: string) => ticket.slice(0, -1)],
    ['its mode is another', (ticket: string) => `${ticket.slice(0, -1)}r`],
    ['one more stands in front', (ticket: string) => ` ${ticket}`],
    ['it is in capitals', (ticket: string) => ticket.toUpperCase()],
    ['it is 20 kB long', (ticket: string) => `x${ticket.repeat(300)}`],
    ['it has backslashes', (ticket: string) => `\\\\x${ticket}`],
    ['it is its own hash', (ticket: string) => `${ticketHash(ticket)}w`],
  ])('is an error where %s', async (_how, change) => {
    await expect(withSeal(change(ticketOf(two.a.id)), 'select body from documents')).rejects.toMatchObject({
      code: '42501',
    })
  })

  it.each([
    [
      'another secret',
      () =>
        new TicketMaker('another secret of more than 32 characters').ticket(
          { database, tenantId: two.a.id, readOnly: false },
          slot(),
        ),
    ],
    ['another database', () => tickets().ticket({ database: 'other', tenantId: two.a.id, readOnly: false }, slot())],
    ['another slot of time', () => tickets().ticket({ database, tenantId: two.a.id, readOnly: false }, slot() + 7)],
  ])('is an error from %s', async (_where, make) => {
    await expect(withSeal(make(), 'select body from documents')).rejects.toMatchObject({ code: '42501' })
  })

  it('is an error after its last moment', async () => {
    const old = tickets().ticket({ database, tenantId: two.a.id, readOnly: false }, 1)
    await two.database.admin(
      "insert into partywall.tickets (hash, tenant_id, not_after) values (decode($1, 'hex'), $2, now() - interval '1 second')",
      [ticketHash(old), two.a.id],
    )
    await expect(withSeal(old, 'select body from documents')).rejects.toMatchObject({ code: '42501' })
  })

  it('opens nothing as the login role itself', async () => {
    await expect(withSeal(ticketOf(two.a.id), 'select body from documents', { role: 'none' })).rejects.toMatchObject({
      code: '42501',
    })
  })

  it('writes rows of its tenant and of no other', async () => {
    const insert = (tenant: string) => `insert into documents (tenant_id, title) values ('${tenant}', 'written')`
    expect((await withSeal(ticketOf(two.a.id), insert(two.a.id))).rowCount).toBe(1)
    await expect(withSeal(ticketOf(two.a.id), insert(two.b.id))).rejects.toMatchObject({ code: '42501' })
    await expect(withSeal(ticketOf(two.a.id), insert(two.b.id), { setting: two.b.id })).rejects.toMatchObject({
      code: '42501',
    })
  })
})

describe('a ticket for reading', () => {
  const readOnlyNow = "with s as materialized (select set_config('transaction_read_only', 'on', true) as v)"
  beforeAll(async () => {
    for (const tenant of [two.a, two.b]) {
      const ticket = ticketOf(tenant.id, true)
      await two.database.admin(
        "insert into partywall.tickets (hash, tenant_id, not_after) values (decode($1, 'hex'), $2, to_timestamp($3)) on conflict do nothing",
        [ticketHash(ticket), tenant.id, lastSecondOf(slot())],
      )
    }
  })

  it('reads', async () => {
    expect((await withSeal(ticketOf(two.a.id, true), 'select body from documents')).rows).toEqual([
      { body: secretOf(two.a) },
    ])
  })

  it.each([
    ['INSERT', () => `insert into documents (tenant_id, title) values ('${two.a.id}', 'x')`],
    ['UPDATE', () => "update documents set title = 'x'"],
    [
      'an upsert',
      () =>
        `insert into documents (id, tenant_id, title) values ('${two.a.documentId}', '${two.a.id}', 'x') on conflict (id, tenant_id) do update set title = 'x'`,
    ],
    [
      'an INSERT that makes its transaction read-only first',
      () => `${readOnlyNow} insert into documents (tenant_id, title) select '${two.a.id}', v from s where v = 'on'`,
    ],
    [
      'an UPDATE that makes its transaction read-only first',
      () => `${readOnlyNow} update documents set title = v from s where v = 'on'`,
    ],
  ])('does not write by %s', async (_how, sql) => {
    for (const seal of [ticketOf(two.a.id, true), wholeSeal(two.a.id, true)])
      await expect(withSeal(seal, sql(), { role: 'tenant_admin' })).rejects.toMatchObject({
        code: expect.stringMatching(/^(42501|42P10)$/),
      })
  })

  it('does not delete, neither as it is nor in a transaction that it makes read-only first', async () => {
    // MERGE asks the policies for DELETE once it has read its source.
    const merge = `${readOnlyNow} merge into documents using s on v = 'on' when matched then delete`
    const join = `${readOnlyNow} delete from documents using s where v = 'on'`
    for (const text of ['delete from documents', join, merge]) {
      for (const seal of [ticketOf(two.a.id, true), wholeSeal(two.a.id, true)]) {
        const gone = await withSeal(seal, text, { role: 'tenant_admin' }).then(
          ({ rowCount }) => rowCount,
          (error: { code: string }) => error.code,
        )
        expect([0, '42501']).toContain(gone)
      }
    }
  })
})

describe('a whole seal for reading', () => {
  it('writes at no level, also in a read-only transaction, where it is valid', async () => {
    const text = "select partywall.role_at_least('tenant_admin') as level, partywall.writes_as('tenant_user') as writes"
    const { rows } = await withSeal(wholeSeal(two.a.id, true), text, { begin: 'begin read only' })
    expect(rows).toEqual([{ level: true, writes: false }])
    expect((await withSeal(wholeSeal(two.a.id), text)).rows).toEqual([{ level: true, writes: true }])
  })
})

describe('the table of tickets', () => {
  it.each([
    ['be read', 'select * from partywall.tickets'],
    ['be counted', 'select count(*) from partywall.tickets'],
    ['be written', "insert into partywall.tickets values ('\\x00', 'b', now())"],
    ['be locked', 'select from partywall.tickets for update'],
    ['be read with the state of tenants', 'select * from partywall.tenant_states'],
    ['be changed through the view', "update partywall.ticket set tenant_id = 'b'"],
    ['be emptied for one tenant', "select partywall.revoke_tenant('b')"],
    ['be opened for one tenant', "select partywall.readmit_tenant('b')"],
  ])('can’t %s', async (_what, text) => {
    await expect(withSeal(ticketOf(two.a.id), text)).rejects.toMatchObject({
      code: expect.stringMatching(/^(42501|55000)$/),
    })
  })

  it('has no statistics that the application may see', async () => {
    await two.database.admin('analyze partywall.tickets')
    const { rows } = await withSeal(ticketOf(two.a.id), "select * from pg_stats where schemaname = 'partywall'")
    expect(rows).toEqual([])
  })

  it('shows one ticket at a time, to whom holds it', async () => {
    const { rows } = await withSeal(ticketOf(two.a.id), 'select * from partywall.ticket')
    expect(rows).toEqual([{ tenant_id: two.a.id }])
    expect((await withSeal('', 'select * from partywall.ticket')).rows).toEqual([{ tenant_id: null }])
  })
})

describe('a registration', () => {
  const registration = (expires = soon()) =>
    new SealMaker(two.database.sealSecret).registration([{ hash: ticketHash('mine'), tenant: two.b.id }], {
      database,
      notAfter: lastSecondOf(slot()),
      now: (expires - 60) * 1000,
    })
  const register = ({ text, mac }: { text: string; mac: string }, begin?: string) =>
    withSeal(
      ticketOf(two.a.id),
      `select partywall.register_tickets(${pg.escapeLiteral(text)}, ${pg.escapeLiteral(mac)})`,
      begin === undefined ? {} : { begin },
    )

  it('is taken from the application', async () => {
    expect((await register(registration())).rows).toEqual([{ register_tickets: 1 }])
  })

  it('is refused without its MAC, changed, late, and for another key', async () => {
    const good = registration()
    const refused = { code: expect.stringMatching(/^(42501|22)/) }
    await expect(register({ ...good, mac: '0'.repeat(64) })).rejects.toMatchObject(refused)
    await expect(register({ ...good, mac: '' })).rejects.toMatchObject(refused)
    await expect(register({ ...good, text: good.text.replace(two.b.id, two.a.id) })).rejects.toMatchObject(refused)
    await expect(register(registration(soon() - 3600))).rejects.toMatchObject(refused)
    const other = new SealMaker('another secret of more than 32 characters').registration([], {
      database,
      notAfter: lastSecondOf(slot()),
      now: Date.now(),
    })
    await expect(register(other)).rejects.toMatchObject(refused)
  })

  it('is refused where it would make the serializable transactions of tenants fail', async () => {
    await expect(register(registration(), 'begin isolation level serializable')).rejects.toMatchObject({
      code: '25001',
    })
  })
})

describe('what a tenant makes the server print', () => {
  it('has no ticket of another tenant, and no hash', async () => {
    const notices: string[] = []
    const client = new pg.Client({ connectionString: two.database.appUrl })
    client.on('notice', (notice) => notices.push(JSON.stringify(notice)))
    await client.connect()
    const { rows } = await two.database.admin("select encode(hash, 'hex') as hash from partywall.tickets")
    await client.query(`begin; set local role tenant_user; set local client_min_messages = debug1;
      set local debug_print_parse = on; set local debug_print_rewritten = on; set local debug_print_plan = on;
      select set_config('app.current_tenant_id', '${two.a.id}', true), set_config('app.tenant_seal', '${ticketOf(two.a.id)}', true)`)
    await client.query('select body from documents')
    const { rows: plan } = await client.query('explain (analyze, verbose, costs off) select body from documents')
    await client.end()
    expect(notices.join('').length).toBeGreaterThan(1_000)
    const printed = `${notices.join('')}${JSON.stringify(plan)}`
    for (const { hash } of rows) expect(printed).not.toContain(hash)
    expect(printed).not.toContain(ticketOf(two.b.id))
  })
})
