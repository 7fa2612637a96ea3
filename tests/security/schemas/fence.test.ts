// The database's own knowledge of each tenant's place, asked past the pool: tickets, marks, moves and what is written beside them.
import { createHash } from 'node:crypto'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../../src/context/run-with-tenant.ts'
import { SealMaker } from '../../../src/seal/seal.ts'
import { lastSecondOf, slotAt, TicketMaker, ticketHash } from '../../../src/seal/ticket.ts'
import { type AuditWorld, createAuditWorld } from '../../audit/audit-world.ts'
import { createTestTenant, type TestDatabase, type TestTenant } from '../../setup/database.ts'
import {
  contextOf,
  createPlacedTenant,
  exampleSchemaSql,
  newSchemaName,
  type PlacedTenant,
} from '../../setup/tenant-schemas.ts'

let world: AuditWorld
let database: TestDatabase
let acme: PlacedTenant
/** A tenant of the shared tables that has a registered schema, too. */
let both: TestTenant & { readonly schema: string }

beforeAll(async () => {
  world = await createAuditWorld()
  database = world.database
  acme = await createPlacedTenant(database)
  const tenant = await createTestTenant(database)
  const schema = newSchemaName()
  await database.admin(exampleSchemaSql(schema))
  await database.admin('call partywall.install_schema($1, $2, place => false)', [schema, tenant.id])
  await database.admin(
    `insert into ${schema}.documents (tenant_id, title, body) values ('${tenant.id}', 't', 'old place')`,
  )
  both = { ...tenant, schema }
})

const slot = () => slotAt(Date.now())
const ticketOf = (tenantId: string, placement: string, at = slot(), readOnly = false) =>
  new TicketMaker(database.sealSecret).ticket({ database: database.name, tenantId, readOnly, placement }, at)
const markOf = (tenantId: string) => createHash('sha256').update(tenantId).digest('hex')

async function plantTicket(
  tenantId: string,
  placement: string,
  options: { at?: number; expired?: boolean; readOnly?: boolean } = {},
) {
  const ticket = ticketOf(tenantId, placement, options.at, options.readOnly)
  await database.admin(
    `insert into partywall.tickets (hash, tenant_id, not_after, mark) values (decode($1, 'hex'), $2, to_timestamp($3), $4) on conflict do nothing`,
    [
      ticketHash(ticket),
      tenantId,
      options.expired === true ? Date.now() / 1000 - 1 : lastSecondOf(slot()),
      placement === '' ? '' : markOf(tenantId),
    ],
  )
  return ticket
}

/** A statement of the application's login past the pool, where anything may be set. */
async function withSeal(
  tenantId: string,
  seal: string | ((pid: number) => string),
  text: string,
  role = 'tenant_user',
) {
  const client = new pg.Client({ connectionString: database.appUrl })
  await client.connect()
  try {
    const { rows } = await client.query('select pg_backend_pid() as pid')
    await client.query('begin')
    await client.query(
      "select set_config('role', $3, true), set_config('app.current_tenant_id', $1, true), set_config('app.tenant_seal', $2, true)",
      [tenantId, typeof seal === 'string' ? seal : seal(rows[0].pid), role],
    )
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

const wholeSeal = (tenantId: string, placement: string, level: 'tenant_user' | 'tenant_admin') => (pid: number) =>
  new SealMaker(database.sealSecret).seal(
    { tenantId, userId: 'u', actor: '', level, readOnly: false, placement },
    { database: database.name, backendPid: pid },
    Math.floor(Date.now() / 1000) + 60,
    undefined,
  )

describe('a ticket of a tenant in a schema', () => {
  const read = () => `select body from ${acme.schema}.documents`

  it('opens its schema, and no longer after its last moment', async () => {
    const known = await plantTicket(acme.id, acme.schema)
    expect(await withSeal(acme.id, `${known}garbage`, read())).toEqual([{ body: `secret of ${acme.key}` }])
    const old = await plantTicket(acme.id, acme.schema, { at: 1, expired: true })
    await expect(withSeal(acme.id, `${old}garbage`, read())).rejects.toMatchObject({ code: '42501' })
  })
})

describe('rights inside a tenant’s own schema', () => {
  it('do not include writing for a seal that was made for reading', async () => {
    const reading = await plantTicket(acme.id, acme.schema, { readOnly: true })
    const writing = await plantTicket(acme.id, acme.schema)
    const insert = `insert into ${acme.schema}.documents (title) values ('by a reader') returning title`
    expect(await withSeal(acme.id, `${writing}garbage`, insert)).toHaveLength(1)
    await expect(withSeal(acme.id, `${reading}garbage`, insert)).rejects.toMatchObject({ code: '42501' })
  })

  it('do not include DELETE for a user who takes the role of administrators', async () => {
    const remove = `delete from ${acme.schema}.documents returning title`
    const asAdmin = wholeSeal(acme.id, acme.schema, 'tenant_admin')
    expect((await withSeal(acme.id, asAdmin, remove, 'tenant_admin')).length).toBeGreaterThan(0)
    const asUser = wholeSeal(acme.id, acme.schema, 'tenant_user')
    expect(await withSeal(acme.id, asUser, remove, 'tenant_admin')).toEqual([])
  })
})

describe('a ticket that the pool registers', () => {
  it('has no mark for the shared tables, and opens nothing of the tenant’s schema', async () => {
    const { schema } = both
    const ask = (text: string) => world.as(both, () => world.pool.query(text))
    await expect
      .poll(async () => {
        await ask('select 1 from public.documents')
        const { rows } = await database.admin(
          "select mark from partywall.tickets where hash = decode($1, 'hex') or tenant_id = $2",
          [ticketHash(ticketOf(both.id, '')), both.id],
        )
        return rows
      })
      .toEqual([{ mark: '' }])
    expect((await ask(`select body from ${schema}.documents`)).rows).toEqual([])
    await expect(ask(`insert into ${schema}.documents (title) values ('stray')`)).rejects.toMatchObject({
      code: '42501',
    })
  })
})

describe('a tenant of the shared tables that has a schema, too', () => {
  it.each(['ticket', 'seal'] as const)('reads and writes nothing in the schema, by its %s', async (by) => {
    const seal = by === 'ticket' ? `${await plantTicket(both.id, '')}garbage` : wholeSeal(both.id, '', 'tenant_admin')
    const { schema } = both
    expect(await withSeal(both.id, seal, 'select body from public.documents')).toHaveLength(1)
    expect(await withSeal(both.id, seal, `select body from ${schema}.documents`)).toEqual([])
    await expect(
      withSeal(both.id, seal, `insert into ${schema}.documents (tenant_id, title) values ('${both.id}', 'stray')`),
    ).rejects.toMatchObject({ code: '42501' })
  })
})

describe('place_tenant', () => {
  it('places a tenant in its own registered schema alone, as long as that is the schema that was registered', async () => {
    const place = (tenant: string, schema: string) =>
      database.admin('call partywall.place_tenant($1, $2)', [tenant, schema])
    await expect(place(both.id, acme.schema)).rejects.toMatchObject({ code: '22023' })
    const empty = newSchemaName()
    await database.admin(`create schema ${empty} authorization app_owner`)
    await expect(place(both.id, empty)).rejects.toMatchObject({ code: '22023' })
    const tenant = await createTestTenant(database)
    await database.admin(`call partywall.install_schema('${empty}', '${tenant.id}', place => false)`)
    await database.admin(`drop schema ${empty}; create schema ${empty} authorization app_owner`)
    await expect(place(tenant.id, empty)).rejects.toMatchObject({ code: '22023' })
    expect((await database.admin('select from partywall.tenant_states where schema_name = $1', [empty])).rowCount).toBe(
      0,
    )
  })

  it('tells processes of the change, so that they ask the directory again', async () => {
    const client = await world.client(database.adminUrl)
    const heard: (string | undefined)[] = []
    client.on('notification', ({ payload }) => heard.push(payload))
    await client.query('listen partywall_tenants')
    await database.admin('call partywall.place_tenant($1, null)', [both.id])
    await expect.poll(() => heard).toContain(markOf(both.id))
    // A move that was given up changes no place. Processes that were refused meanwhile hear of its end.
    const mover = await world.client(database.adminUrl)
    await mover.query('call partywall.begin_move($1)', [acme.id])
    expect(heard).not.toContain(markOf(acme.id))
    await mover.query('call partywall.end_move($1)', [acme.id])
    await expect.poll(() => heard).toContain(markOf(acme.id))
  })
})

describe('the registry', () => {
  it('has each tenant, schema and OID once, and no name that is none of a tenant’s schema', async () => {
    const { rows } = await database.admin('select * from partywall.schemas where tenant_id = $1', [acme.id])
    const insert = (schema: string, tenant: string, oid: number) =>
      database.admin('insert into partywall.schemas (schema_name, tenant_id, schema_oid) values ($1, $2, $3)', [
        schema,
        tenant,
        oid,
      ])
    await expect(insert('tenant_new', acme.id, 7)).rejects.toMatchObject({ code: '23505' })
    await expect(insert('tenant_new', 'new', rows[0].schema_oid)).rejects.toMatchObject({ code: '23505' })
    await expect(insert(acme.schema, 'new', 7)).rejects.toMatchObject({ code: '23505' })
    await expect(insert('Tenant', 'new', 7)).rejects.toMatchObject({ code: '23514' })
    await expect(
      database.admin("insert into partywall.tenant_states (tenant_id, schema_name) values ('new', $1)", [acme.schema]),
    ).rejects.toMatchObject({ code: '23505' })
  })
})

describe('what the database says of a move', () => {
  it('is that the tenant was moved when its mover or its place changed since a snapshot', async () => {
    const tenant = await createTestTenant(database)
    await database.admin(
      'insert into partywall.tenant_states (tenant_id, mover_pid) values ($1, 7) on conflict (tenant_id) do update set mover_pid = 7',
      [tenant.id],
    )
    const wasMoved = async (pid: number | null, place: string) =>
      (await database.admin('select partywall.was_moved($1, $2, $3) as moved', [tenant.id, pid, place])).rows[0].moved
    expect(await wasMoved(7, '')).toBe(false)
    expect(await wasMoved(8, '')).toBe(true)
    expect(await wasMoved(null, '')).toBe(true)
    expect(await wasMoved(7, 'tenant_other')).toBe(true)
  })
})

describe('the audit log', () => {
  it('takes events of a process with an outdated placement, because it moves with no tenant', async () => {
    const outdated = { ...contextOf(acme, ['owner']), placement: undefined }
    const action = 'made.beside-a-move'
    await runWithTenant(outdated, () => world.audit.log({ action }))
    const { rows } = await database.admin(
      'select tenant_id, user_id, role from partywall.audit_events where action = $1',
      [action],
    )
    expect(rows).toEqual([{ tenant_id: acme.id, user_id: acme.userId, role: 'tenant_admin' }])
  })
})
