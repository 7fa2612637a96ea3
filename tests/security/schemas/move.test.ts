// A tenant moves between shared tables and a schema of its own, while processes write with old answers of the directory.
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../../src/context/run-with-tenant.ts'
import type { TenantContextInput } from '../../../src/context/tenant-context.ts'
import { createTenantPool, type TenantPool } from '../../../src/database/pool/create-tenant-pool.ts'
import { silentLogger } from '../../../src/logger/logger.ts'
import { type MoveTenantOptions, moveTenant } from '../../../src/migrate/move-tenant/move-tenant.ts'
import { afterFile } from '../../setup/after-file.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../../setup/database.ts'
import { exampleSchemaSql, newSchemaName } from '../../setup/tenant-schemas.ts'

let database: TestDatabase
let pool: TenantPool

beforeAll(async () => {
  database = await createTestDatabase()
  await database.admin(
    `create table public.orders (tenant_id uuid not null, id bigint generated always as identity, note text not null, primary key (tenant_id, id)); alter table public.orders owner to app_owner;
     alter table public.orders enable row level security, force row level security;
     create policy tenant_isolation_policy on public.orders using (tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid));
     create policy tenant_seal_policy on public.orders as restrictive to tenant_user, tenant_admin using (tenant_id = (select coalesce(t.tenant_id, partywall.tenant_id())::uuid from partywall.ticket t));
     create trigger enforce_tenant_id before insert or update on public.orders for each row execute function public.enforce_tenant_id();
     grant select, insert, update on public.orders to tenant_user, tenant_admin`,
  )
  pool = open()
  afterFile(() => pool.end())
})

const open = () =>
  createTenantPool({
    connectionString: database.appUrl,
    max: 4,
    seal: { secret: database.sealSecret },
    roles: { tenant_admin: ['owner'] },
    logger: silentLogger,
  })

interface Movable extends TestTenant {
  readonly schema: string
  readonly inShared: TenantContextInput
  readonly inSchema: TenantContextInput
}

async function movable(): Promise<Movable> {
  const tenant = await createTestTenant(database)
  const schema = newSchemaName()
  await database.admin(exampleSchemaSql(schema))
  await database.admin(
    `create table ${schema}.orders (like public.orders including all); alter table ${schema}.orders owner to app_owner;
     create trigger enforce_tenant_id before insert or update on ${schema}.orders for each row execute function public.enforce_tenant_id()`,
  )
  await database.admin('call partywall.install_schema($1, $2, place => false)', [schema, tenant.id])
  const inShared = { tenantId: tenant.id, userId: tenant.userId, roles: ['owner'] }
  return { ...tenant, schema, inShared, inSchema: { ...inShared, placement: { schema } } }
}

const move = (tenant: Movable, to: 'schema' | 'shared', more: Partial<MoveTenantOptions> = {}) =>
  moveTenant({ databaseUrl: database.adminUrl, tenant: tenant.id, schema: tenant.schema, to, ...more })
const count = async (place: string, tenant: Movable, table = 'documents') => {
  const { rows } = await database.admin(`select count(*)::int as n from ${place}.${table} where tenant_id = $1`, [
    tenant.id,
  ])
  return rows[0].n
}
const titles = async (context: TenantContextInput) =>
  (await runWithTenant(context, () => pool.query('select title from documents order by title'))).rows.map(
    (row) => row.title,
  )
const serializable = (tenant: Movable) =>
  runWithTenant(tenant.inShared, () =>
    pool.transaction((open) => open.query('select title from documents'), { isolation: 'serializable' }),
  ).then(
    () => 'answered',
    (error: { code?: string }) => error.code,
  )
const write = (context: TenantContextInput, title: string) =>
  runWithTenant(context, () => pool.query('insert into documents (title) values ($1)', [title]))

describe('moveTenant', () => {
  it('moves rows with their foreign keys and sequences, both ways, and leaves other tenants as they are', async () => {
    const [tenant, other] = [await movable(), await movable()]
    for (let n = 0; n < 5; n++)
      await runWithTenant(tenant.inShared, () => pool.query("insert into orders (note) values ('kept')"))
    const before = await database.admin('select * from public.documents where tenant_id = $1', [tenant.id])
    const done = await move(tenant, 'schema')
    expect(done.tables.map(({ name, rows }) => `${name} ${rows}`).sort()).toEqual([
      'documents 1',
      'orders 5',
      'projects 1',
      'users 1',
    ])
    expect(done.downtimeMs).toBeGreaterThan(0)
    expect((await database.admin(`select * from ${tenant.schema}.documents`)).rows).toEqual(before.rows)
    expect(await count('public', tenant)).toBe(0)
    expect(await titles(tenant.inSchema)).toEqual(['First document'])
    const next = await runWithTenant(tenant.inSchema, () =>
      pool.query("insert into orders (note) values ('new') returning id"),
    )
    expect(Number(next.rows[0].id)).toBeGreaterThan(5)
    await move(tenant, 'shared')
    expect(await titles(tenant.inShared)).toEqual(['First document'])
    expect(await count(tenant.schema, tenant)).toBe(0)
    expect(await count('public', tenant, 'orders')).toBe(6)
    expect(await titles(other.inShared)).toEqual(['First document'])
  })

  it('refuses processes with an old placement afterwards, to read and to write', async () => {
    const tenant = await movable()
    await titles(tenant.inShared)
    await move(tenant, 'schema')
    for (const attempt of [() => titles(tenant.inShared), () => write(tenant.inShared, 'stale')])
      await expect(attempt()).rejects.toMatchObject({ code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE', status: 503 })
    expect(await count('public', tenant)).toBe(0)
  })

  it.each(['schema', 'shared'] as const)(
    'loses no acknowledged write under load, to %s, and none lands in the old place',
    async (to) => {
      const tenant = await movable()
      if (to === 'shared') await move(tenant, 'schema')
      const [old, fresh] = to === 'schema' ? [tenant.inShared, tenant.inSchema] : [tenant.inSchema, tenant.inShared]
      let acknowledged = 0
      let refused = 0
      let running = true
      const writer = async (place: number) => {
        // A process that never hears of the move, and one that tries the new place after each refusal.
        let context = old
        for (let n = 0; running; n++) {
          await write(context, `w${place} ${n}`).then(
            () => acknowledged++,
            (error: { code?: string }) => {
              expect(error.code).toBe('PARTYWALL_DEPENDENCY_UNAVAILABLE')
              refused++
              if (place % 2 === 0) context = context === old ? fresh : old
            },
          )
        }
      }
      const writers = [0, 1, 2, 3].map(writer)
      await expect.poll(() => acknowledged).toBeGreaterThan(50)
      const { downtimeMs } = await move(tenant, to)
      const atMove = acknowledged
      await expect.poll(() => acknowledged).toBeGreaterThan(atMove + 20)
      running = false
      await Promise.all(writers)
      const [source, target] = to === 'schema' ? ['public', tenant.schema] : [tenant.schema, 'public']
      expect(await count(source ?? '', tenant)).toBe(0)
      expect(await count(target ?? '', tenant)).toBe(acknowledged + 1)
      expect(refused).toBeGreaterThan(0)
      expect(downtimeMs).toBeLessThan(10_000)
    },
  )

  it('waits for a transaction that began before and still sees the old place', async () => {
    const tenant = await movable()
    const events: string[] = []
    let go = () => {}
    const hold = new Promise<void>((resolve) => {
      go = resolve
    })
    const transaction = runWithTenant(tenant.inShared, () =>
      pool.transaction(
        async (open) => {
          await open.query('select count(*) from documents')
          await hold
          await open.query("insert into documents (title) values ('late')")
          events.push('written')
        },
        { isolation: 'repeatable read' },
      ),
    )
    const moving = move(tenant, 'schema', { onProgress: (step) => events.push(step) })
    await expect.poll(() => events).toContain('the tenant is refused from now on')
    go()
    await Promise.all([transaction, moving])
    expect(events.indexOf('written')).toBeLessThan(events.indexOf('no other transaction uses the old place'))
    expect(await titles(tenant.inSchema)).toEqual(['First document', 'late'])
    expect(await count('public', tenant)).toBe(0)
  })

  it('refuses a statement that began during the move and evaluates its policy after it, with its old snapshot', async () => {
    const tenant = await movable()
    // The copy takes longer than the statement needs to begin, and less than it sleeps.
    await database.admin(
      `create function ${tenant.schema}.slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.4); return new; end $$;
       create trigger zz_slow before insert on ${tenant.schema}.users for each row execute function ${tenant.schema}.slow()`,
    )
    let late: Promise<unknown> = Promise.resolve()
    const onProgress = (step: string) => {
      if (!step.startsWith('no other')) return
      const text = 'select (select count(*) from documents) from pg_sleep(1.5)'
      late = runWithTenant(tenant.inShared, () => pool.query(text)).then(
        ({ rows }) => JSON.stringify(rows),
        (error: { code?: string }) => error.code,
      )
    }
    // So short that the mover's session, and with it its lock, has ended before the statement wakes up.
    await move(tenant, 'schema', { onProgress, waitMs: 300 })
    expect(await late).toBe('PARTYWALL_DEPENDENCY_UNAVAILABLE')
    expect(await count('public', tenant)).toBe(0)
  })

  it('gives up if such a transaction does not end, and the tenant works where it was', async () => {
    const tenant = await movable()
    const client = new pg.Client({ connectionString: database.adminUrl })
    await client.connect()
    await client.query('begin isolation level repeatable read; select 1')
    await expect(move(tenant, 'schema', { waitMs: 200 })).rejects.toMatchObject({
      code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE',
    })
    await client.end()
    await write(tenant.inShared, 'after')
    expect(await titles(tenant.inShared)).toEqual(['First document', 'after'])
  })

  it.each(['users', 'projects', 'documents', 'orders'])(
    'that fails while it copies %s leaves the tenant where it was, with all rows',
    async (table) => {
      const tenant = await movable()
      await runWithTenant(tenant.inShared, () => pool.query("insert into orders (note) values ('kept')"))
      await database.admin(
        `create function ${tenant.schema}.fail() returns trigger language plpgsql as $$ begin raise exception 'planned'; end $$;
       create trigger zz_fail before insert on ${tenant.schema}.${table} for each row execute function ${tenant.schema}.fail()`,
      )
      await expect(move(tenant, 'schema')).rejects.toThrow('planned')
      await write(tenant.inShared, 'after')
      expect(await titles(tenant.inShared)).toEqual(['First document', 'after'])
      expect(await count(tenant.schema, tenant)).toBe(0)
      await database.admin(`drop trigger zz_fail on ${tenant.schema}.${table}`)
      await move(tenant, 'schema')
      expect(await titles(tenant.inSchema)).toEqual(['First document', 'after'])
    },
  )

  it('whose connection is killed leaves the tenant where it was, without any command', async () => {
    const tenant = await movable()
    await database.admin(
      `create function ${tenant.schema}.die() returns trigger language plpgsql as $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$;
       create trigger zz_die before insert on ${tenant.schema}.documents for each row execute function ${tenant.schema}.die()`,
    )
    await expect(move(tenant, 'schema')).rejects.toThrow()
    await expect
      .poll(() =>
        write(tenant.inShared, 'after').then(
          () => 'written',
          () => 'refused',
        ),
      )
      .toBe('written')
    expect(await titles(tenant.inShared)).toContain('First document')
    expect(await count(tenant.schema, tenant)).toBe(0)
    expect(await serializable(tenant)).toBe('answered')
  })

  it('whose process is killed is forgotten by end_move() of another session, and by the next registration of a ticket', async () => {
    for (const heal of ['end_move', 'registration'] as const) {
      const tenant = await movable()
      await write(tenant.inShared, 'before')
      const mover = new pg.Client({ connectionString: database.adminUrl })
      mover.on('error', () => {})
      await mover.connect()
      await mover.query('call partywall.begin_move($1)', [tenant.id])
      const end = () => database.admin('call partywall.end_move($1)', [tenant.id])
      await expect(end()).rejects.toMatchObject({ code: '55000' })
      await mover.end()
      await expect
        .poll(() =>
          write(tenant.inShared, 'after').then(
            () => true,
            () => false,
          ),
        )
        .toBe(true)
      // Its snapshot can't tell whether the move was finished.
      expect(await serializable(tenant)).toBe('PARTYWALL_DEPENDENCY_UNAVAILABLE')
      if (heal === 'end_move') await end()
      else {
        const another = open()
        await expect
          .poll(async () => {
            await runWithTenant(tenant.inShared, () => another.query('select 1 from documents'))
            return (
              await database.admin('select mover_pid from partywall.tenant_states where tenant_id = $1', [tenant.id])
            ).rows
          })
          .toEqual([{ mover_pid: null }])
        await another.end()
      }
      expect(await serializable(tenant)).toBe('answered')
    }
  })

  it('is refused while another session moves the tenant, and does not end the other’s move', async () => {
    const tenant = await movable()
    const first = new pg.Client({ connectionString: database.adminUrl })
    await first.connect()
    await first.query('call partywall.begin_move($1)', [tenant.id])
    await expect(move(tenant, 'schema')).rejects.toMatchObject({ code: '55006' })
    await expect(write(tenant.inShared, 'meanwhile')).rejects.toMatchObject({
      code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE',
    })
    await first.query('call partywall.end_move($1)', [tenant.id])
    await first.end()
    await move(tenant, 'schema')
    expect(await titles(tenant.inSchema)).toEqual(['First document'])
  })

  it('refuses a change of values on the way: a trigger that edits rows is found by the checksum', async () => {
    const tenant = await movable()
    await database.admin(
      `create function ${tenant.schema}.edit() returns trigger language plpgsql as $$ begin new.title := 'edited'; return new; end $$;
       create trigger zz_edit before insert on ${tenant.schema}.documents for each row execute function ${tenant.schema}.edit()`,
    )
    await expect(move(tenant, 'schema')).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
    expect(await titles(tenant.inShared)).toEqual(['First document'])
  })

  it('refuses another tenant’s schema, a move to where the tenant is, and tables that differ', async () => {
    const [tenant, other] = [await movable(), await movable()]
    const wrong = [
      () => move({ ...tenant, schema: other.schema }, 'schema'),
      () => move(tenant, 'shared'),
      () => move({ ...tenant, schema: 'pg_catalog' }, 'schema'),
    ]
    for (const attempt of wrong) await expect(attempt()).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
    await database.admin(`alter table ${tenant.schema}.documents add column more int`)
    await expect(move(tenant, 'schema')).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
    await database.admin(`alter table ${tenant.schema}.documents drop column more; drop table ${tenant.schema}.orders`)
    await expect(move(tenant, 'schema')).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
    expect(await titles(tenant.inShared)).toEqual(['First document'])
  })
})
