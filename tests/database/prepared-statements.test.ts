import { beforeAll, describe, expect, it } from 'vitest'
import { type PgBouncer, startPgBouncer } from '../../leak-hunt/servers/pgbouncer.ts'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { TenantAwareRepository } from '../../src/repository/base-repository.ts'
import { untilTicketsKnown } from '../setup/known-tickets.ts'
import { TcpProxy } from '../setup/tcp-proxy.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

interface Note {
  id: string
  tenant_id: string
  title: string
}

let two: TwoTenants
let proxy: TcpProxy & { url: string }
let pool: TenantPool
let bouncer: PgBouncer

const read = (id: string) => ({
  text: 'select title, tenant_id from documents where id = $1',
  values: [id],
  prepare: true,
})

beforeAll(async () => {
  two = await createTwoTenants()
  proxy = await TcpProxy.start(two.database.appUrl)
  bouncer = await startPgBouncer(two.database.appUrl, 1)
  pool = two.pool({ connectionString: proxy.url, max: 1, allowStatements: ['DO'] })
  await untilTicketsKnown(pool, [two.a, two.b])
  return async () => {
    await pool.end()
    await proxy.stop()
    await bouncer.stop()
  }
})

describe('a statement with prepare: true', () => {
  it('is parsed once per connection, and each tenant sees its own rows by it', async () => {
    await two.as(two.a, () => pool.query(read(two.a.documentId)))
    proxy.reset()
    const own = await two.as(two.a, () => pool.query(read(two.a.documentId)))
    expect(own.rows).toMatchObject([{ tenant_id: two.a.id }])
    expect(proxy.sequence).toBe('BEBEBES')
    for (let time = 0; time < 12; time++) {
      // Past five runs the server may keep one plan for all values and tenants.
      const foreign = await two.as(two.b, () => pool.query(read(two.a.documentId)))
      expect(foreign.rows).toEqual([])
      const again = await two.as(two.a, () => pool.query(read(two.a.documentId)))
      expect(again.rows).toMatchObject([{ tenant_id: two.a.id }])
    }
  })

  it('has the rights of whoever runs it, not of whoever ran it first', async () => {
    const remove = { text: 'delete from projects where id = $1', values: [two.b.projectId], prepare: true }
    await two.as(two.a, () => pool.query(remove), ['owner'])
    await expect(two.as(two.a, () => pool.query(remove), ['viewer'])).rejects.toMatchObject({ code: '42501' })
    const { rowCount } = await two.as(two.a, () => pool.query(remove), ['owner'])
    expect(rowCount).toBe(0)
  })

  it('is prepared once for each database role, since the server plans it anew where the role changes', async () => {
    const text = 'select count(*) as once_for_each_role from documents'
    for (const role of ['owner', 'member', 'owner', 'member'])
      await two.as(two.a, () => pool.query({ text, prepare: true }), [role])
    const { rows } = await two.as(two.a, () =>
      pool.query('select name from pg_prepared_statements where statement like $1', ['%once_for_each_role%']),
    )
    expect(rows).toHaveLength(2)
  })

  it('is prepared again after the clean-up that takes it away', async () => {
    await two.as(two.a, () => pool.query(read(two.a.documentId)))
    await two.as(two.a, () => pool.query('do $$ begin end $$'))
    const { rows } = await two.as(two.a, () => pool.query(read(two.a.documentId)))
    expect(rows).toMatchObject([{ tenant_id: two.a.id }])
  })

  it('has no name behind a pooler and on shared connections, where another may have prepared under it', async () => {
    const pooled = two.pool({ connectionString: bouncer.url, pooler: 'transaction', max: 2 })
    const shared = two.pool({ pipelinedConnections: 1, max: 1 })
    for (const one of [pooled, shared]) {
      const text = "select name from pg_prepared_statements where name like 'partywall_s%'"
      for (let time = 0; time < 3; time++) {
        await two.as(two.a, () => one.query(read(two.a.documentId)))
        expect((await two.as(two.b, () => one.query({ text, prepare: true }))).rows).toEqual([])
      }
      await one.close()
    }
  })
})

describe('a repository over a table that changes under it', () => {
  const notes = () =>
    new TenantAwareRepository<Note>({
      pool,
      table: 'notes',
      columns: { id: 'uuid', tenant_id: 'uuid', title: 'text' },
      createdColumn: 'id',
    })

  beforeAll(async () => {
    await two.database.admin(`
      create table notes (tenant_id uuid not null, id uuid not null default gen_random_uuid() primary key, title varchar(40) not null);
      grant select, insert, update, delete on notes to tenant_user, tenant_admin;
      alter table notes enable row level security, force row level security;
      create policy tenant_isolation_policy on notes using (tenant_id = (select partywall.tenant_id())::uuid);`)
  })

  it('reads and writes on when a column gets another type', async () => {
    const note = await two.as(two.a, () => notes().create({ title: 'one' }))
    expect(await two.as(two.a, () => notes().findById(note.id))).toMatchObject({ title: 'one' })
    await two.database.admin('alter table notes alter column title type text')
    expect(await two.as(two.a, () => notes().findById(note.id))).toMatchObject({ title: 'one' })
    expect(await two.as(two.a, () => notes().create({ title: 'two' }))).toMatchObject({ title: 'two' })
    proxy.reset()
    expect(await two.as(two.a, () => notes().findById(note.id))).toMatchObject({ title: 'one' })
    expect(await two.as(two.b, () => notes().findById(note.id))).toBeUndefined()
    expect(proxy.sequence.match(/P/g)).toEqual(['P'])
  })

  it('writes once where a plan was out of date, and never meets an old plan inside a transaction', async () => {
    await two.as(two.a, () => notes().create({ title: 'three' }))
    await two.database.admin('alter table notes alter column title type varchar(50)')
    await two.as(two.a, () => notes().create({ title: 'four' }))
    const { rows } = await two.database.admin("select title from notes where title = 'four'")
    expect(rows).toHaveLength(1)
    await two.as(two.a, () => notes().create({ title: 'five' }))
    await two.database.admin('alter table notes alter column title type text')
    const inside = () =>
      notes().withTenantContext(async (transaction) => notes().using(transaction).create({ title: 'six' }))
    expect(await two.as(two.a, inside)).toMatchObject({ title: 'six' })
  })
})
