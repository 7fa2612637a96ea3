import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { lookForRows, type RowsBefore } from '../../src/verify/attack/look-for-rows.ts'
import { verifyDatabase } from '../../src/verify/verify-database.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'

const SCHEMA = `create table tenants (id uuid primary key);
  create table notes (id int generated always as identity primary key, tenant_id uuid not null references tenants, body text)`

async function look(url: string, ...tables: readonly string[]): Promise<RowsBefore> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ oid: number }>('select oid from pg_class where relname = any($1)', [tables])
    return await lookForRows(
      client,
      rows.map(({ oid }) => oid),
      500,
    )
  } finally {
    await client.end()
  }
}

/** A row that was stored and rolled back: it leaves a page in the file. */
async function leaveDeadRow(database: TestDatabase, table: string, values: string): Promise<void> {
  const client = new pg.Client({ connectionString: database.adminUrl })
  await client.connect()
  await client.query(`begin; insert into ${table} values (${values}); rollback`)
  await client.end()
}

const A = "'ba5e0000-0000-4000-8000-00000000000a'"

describe('whether tables hold rows', { timeout: 60_000 }, () => {
  it('is decided by rows, and not by the size of the file', async () => {
    const database = await createTestDatabase({ migrated: false })
    await database.admin(SCHEMA)
    expect(await look(database.adminUrl, 'tenants', 'notes')).toBe('none')
    await leaveDeadRow(database, 'tenants', A)
    const size = await database.admin("select pg_relation_size('tenants') as bytes")
    expect(Number(size.rows[0]?.bytes)).toBeGreaterThan(0)
    expect(await look(database.adminUrl, 'tenants', 'notes')).toBe('none')
    await database.admin(`insert into tenants values (${A})`)
    expect(await look(database.adminUrl, 'tenants', 'notes')).toBe('some')
    await database.admin('delete from tenants')
    expect(await look(database.adminUrl, 'tenants', 'notes')).toBe('none')
  })

  it('counts rows of partitions and of inheriting tables', async () => {
    const database = await createTestDatabase({ migrated: false })
    await database.admin(`create table events (tenant_id int, at int) partition by list (tenant_id);
      create table events_1 partition of events for values in (1);
      create table plain (id int); create table heir () inherits (plain)`)
    expect(await look(database.adminUrl, 'events', 'plain')).toBe('none')
    await database.admin('insert into heir values (1)')
    expect(await look(database.adminUrl, 'plain')).toBe('some')
    expect(await look(database.adminUrl, 'events')).toBe('none')
    await database.admin('insert into events values (1, 1)')
    expect(await look(database.adminUrl, 'events')).toBe('some')
  })

  it('is unknown where policies hide rows from the reader, or it may not read, and its file is not empty', async () => {
    const name = `look_${randomBytes(4).toString('hex')}`
    const database = await createTestDatabase({ migrated: false })
    await database.admin(`create role ${name} login password 'look'; ${SCHEMA};
      alter table tenants owner to ${name}; alter table tenants enable row level security, force row level security`)
    const url = new URL(database.adminUrl)
    url.username = name
    url.password = 'look'
    expect(await look(url.href, 'tenants')).toBe('none')
    await database.admin(`insert into tenants values (${A})`)
    // The role owns the table, and its policies show it no row: `exists` would say that there is none.
    expect(await look(url.href, 'tenants')).toBe('unknown')
    await database.admin(`alter table tenants no force row level security`)
    expect(await look(url.href, 'tenants')).toBe('some')
    await database.admin(`insert into notes (tenant_id) values (${A})`)
    expect(await look(url.href, 'notes')).toBe('unknown')
  })

  it('is unknown while another session writes, or holds a lock on a table', async () => {
    const database = await createTestDatabase({ migrated: false })
    await database.admin(SCHEMA)
    const other = new pg.Client({ connectionString: database.adminUrl })
    await other.connect()
    await other.query(`begin; insert into tenants values (${A})`)
    expect(await look(database.adminUrl, 'tenants')).toBe('unknown')
    await other.query('rollback; begin; lock table tenants in access exclusive mode')
    expect(await look(database.adminUrl, 'tenants')).toBe('unknown')
    await other.query('rollback')
    expect(await look(database.adminUrl, 'tenants')).toBe('none')
    await other.end()
  })

  it('decides whether verify attacks, and is in the report', async () => {
    const app = `look_${randomBytes(4).toString('hex')}`
    const database = await createTestDatabase({ migrated: false })
    await database.admin(`create role ${app} login; ${SCHEMA}; grant select on notes to ${app}`)
    const run = async (mode?: 'static' | 'attack') => {
      const { summary } = await verifyDatabase({ databaseUrl: database.adminUrl, appRole: app, mode })
      return [summary.mode, summary.rowsBefore]
    }
    expect(await run()).toEqual(['attack', 'none'])
    // The first run left the space of its planted rows in the files.
    expect(await run()).toEqual(['attack', 'none'])
    expect(await run('static')).toEqual(['static', undefined])
    await database.admin(`insert into tenants values (${A})`)
    expect(await run()).toEqual(['static', 'some'])
    expect(await run('attack')).toEqual(['attack', 'some'])
  })
})
