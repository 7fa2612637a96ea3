// What RESET ALL and DISCARD ALL leave on a session, or left between the users and levels of one tenant (max: 1).
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithoutTenant, runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import type { TenantPoolOptions } from '../../src/database/settings/options.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants

beforeAll(async () => {
  two = await createTwoTenants()
  await two.database.admin(`
    create table counters (tenant_id uuid not null default nullif(current_setting('app.current_tenant_id', true), '')::uuid, n serial);
    alter table counters enable row level security;
    create policy tenant_isolation_policy on counters using (tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid));
    grant select, insert on counters to tenant_user, tenant_admin;
    grant usage, select on sequence counters_n_seq to tenant_user, tenant_admin`)
})

/** Who comes after A's user, on the same connection. */
const others = [
  { who: 'another tenant', next: <T>(fn: () => T) => two.as(two.b, fn) },
  {
    who: 'another user of the tenant',
    next: <T>(fn: () => T) => runWithTenant({ tenantId: two.a.id, userId: 'x' }, fn),
  },
  { who: 'another level of the user', next: <T>(fn: () => T) => two.as(two.a, fn, ['owner']) },
  { who: 'nobody', next: <T>(fn: () => T) => runWithoutTenant(fn) },
] as const

describe.each(others)('to $who, what a user of A leaves', ({ next }) => {
  const locks = "select count(*)::int as n from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"

  it.each([
    ['row_security', "select set_config('row_security', 'off', false)", "current_setting('row_security')", 'on'],
    [
      'search_path',
      "select set_config('search_path', 'pg_catalog', false)",
      "current_setting('search_path')",
      '"public", "pg_temp"',
    ],
    [
      'statement_timeout',
      "select set_config('statement_timeout', '0', false)",
      "current_setting('statement_timeout')",
      '30s',
    ],
    ['lock_timeout', "select set_config('lock_timeout', '5', false)", "current_setting('lock_timeout')", '0'],
    [
      'a custom setting',
      "select set_config('app.note', 'of A', false)",
      "coalesce(current_setting('app.note', true), '')",
      '',
    ],
    [
      'a planner setting',
      "select set_config('enable_seqscan', 'off', false)",
      "current_setting('enable_seqscan')",
      'on',
    ],
  ])('is no setting: %s', (_name, leave, read, expected) =>
    two.withPool({}, async (pool) => {
      await two.as(two.a, () => pool.query(leave))
      expect((await next(() => pool.query(`select ${read} as value`))).rows).toEqual([{ value: expected }])
      await two.as(two.a, () => pool.query(leave))
      const inside = next(() => pool.transaction((tx) => tx.query(`select ${read} as value`)))
      expect((await inside).rows).toEqual([{ value: expected }])
    }),
  )

  it('is no setting that SHOW tells, and no role', () =>
    two.withPool({}, async (pool) => {
      await two.as(two.a, () =>
        pool.query("select set_config('app.note', 'of A', false), set_config('role', 'tenant_admin', false)"),
      )
      expect((await next(() => pool.query('show app.note'))).rows).toEqual([{ 'app.note': '' }])
      const { rows } = await next(() => pool.query('show role'))
      expect(rows).toEqual((await next(() => pool.query('select current_role::text as role'))).rows)
    }))

  it.each([
    ['default_transaction_isolation', 'serializable', 'transaction_isolation', 'read committed'],
    ['default_transaction_deferrable', 'on', 'transaction_deferrable', 'off'],
    ['default_transaction_read_only', 'on', 'transaction_read_only', 'off'],
  ])('is not what a transaction begins with: %s', (name, value, started, expected) =>
    two.withPool({}, async (pool) => {
      const leave = () => two.as(two.a, () => pool.query('select set_config($1, $2, false)', [name, value]))
      const read = `select current_setting('${started}') as value`
      await leave()
      if (name !== 'default_transaction_deferrable')
        expect((await next(() => pool.query(read))).rows).toEqual([{ value: expected }])
      await leave()
      const inside = next(() => pool.transaction((tx) => tx.query(read)))
      expect((await inside).rows).toEqual([{ value: expected }])
      await leave()
      const asked = next(() =>
        pool.transaction((tx) => tx.query("select current_setting('transaction_isolation') as value"), {
          isolation: 'serializable',
        }),
      )
      expect((await asked).rows).toEqual([{ value: 'serializable' }])
    }),
  )

  it('is no value of a sequence', () =>
    two.withPool({}, async (pool) => {
      const leave = () => two.as(two.a, () => pool.query('insert into counters default values returning n'))
      await leave()
      for (const read of ['select lastval()', "select currval('counters_n_seq')"]) {
        await expect(next(() => pool.query(read))).rejects.toMatchObject({ code: expect.stringMatching(/55000|42501/) })
        await leave()
        await expect(next(() => pool.transaction((tx) => tx.query(read)))).rejects.toMatchObject({
          code: expect.stringMatching(/55000|42501/),
        })
        await leave()
      }
    }))

  it('is no seed of random(), after its SELECT, its transaction and its DISCARD ALL', () =>
    two.withPool({ allowStatements: ['DO'], seal: false }, async (pool) => {
      const draw = async () => (await next(() => pool.query('select random() as value'))).rows[0].value
      const foretold = new Set<number>()
      const drawn: number[] = []
      for (const leave of [
        'select setseed(0.25)',
        'select setseed(0.25), random()',
        'do $$ begin perform setseed(0.25); end $$',
      ]) {
        const { rows } = await two.as(two.a, () =>
          pool.query('select setseed(0.25), array[random(), random(), random()] as next'),
        )
        for (const value of rows[0].next) foretold.add(value)
        await two.as(two.a, () => pool.query(leave))
        drawn.push(await draw())
        await two.as(two.a, () => pool.transaction((tx) => tx.query('select setseed(0.25)')))
        drawn.push(await draw())
      }
      expect(drawn.filter((value) => foretold.has(value))).toEqual([])
      expect(new Set(drawn).size).toBe(drawn.length)
    }))

  it('is no advisory lock', () =>
    two.withPool({}, async (pool) => {
      await two.as(two.a, () => pool.query('select pg_advisory_lock(11), pg_advisory_lock_shared(12)'))
      expect((await next(() => pool.query(locks))).rows).toEqual([{ n: 0 }])
      await two.as(two.a, () => pool.query('select pg_advisory_lock(11)'))
      expect((await next(() => pool.transaction((tx) => tx.query(locks)))).rows).toEqual([{ n: 0 }])
    }))
})

describe('one user keeps', () => {
  it('locks, sequences and seed on a client of their own, from statement to statement', () =>
    two.withPool({}, (pool) =>
      two.as(two.a, async () => {
        const client = await pool.connect()
        await client.query('select pg_advisory_lock(21)')
        const { rows } = await client.query('insert into counters default values returning n')
        expect((await client.query("select currval('counters_n_seq')::int as n")).rows).toEqual(rows)
        await client.query('select setseed(0.5)')
        const first = (await client.query('select random() as value')).rows
        await client.query('select setseed(0.5)')
        expect((await client.query('select random() as value')).rows).toEqual(first)
        const held = await client.query('select pg_advisory_unlock(21) as held')
        expect(held.rows).toEqual([{ held: true }])
        client.release()
      }),
    ))

  it('a SET LOCAL inside their transaction, from its first statement on', () =>
    two.withPool({}, (pool) =>
      two.as(two.a, () =>
        pool.transaction(async (tx) => {
          await tx.query("set local statement_timeout = '7s'")
          await tx.query('select 1')
          expect((await tx.query("select current_setting('statement_timeout') as value")).rows).toEqual([
            { value: '7s' },
          ])
        }),
      ),
    ))
})

describe('what onConnect set', () => {
  const settings = (pool: TenantPool) =>
    pool.query(
      "select current_setting('app.region') as region, current_setting('timezone') as zone, current_setting('datestyle') as dates, current_setting('search_path') as path, current_setting('work_mem') as memory",
    )
  const expected = {
    region: "eu' west",
    zone: 'Asia/Tokyo',
    dates: 'German, DMY',
    path: '"public", "pg_temp"',
    memory: '5MB',
  }

  it.each([
    { name: 'sealed', options: {} },
    { name: 'after a DISCARD ALL', options: { allowStatements: ['DO'] }, between: 'do $$ begin end $$' },
  ] as const)('is there for each tenant, and before a serializable transaction: $name', ({ options, between }) =>
    two.withPool(
      {
        ...(options as Partial<TenantPoolOptions>),
        // PostgreSQL lists no custom settings, so onConnect's would be lost: they belong among the start-up options.
        options: "-c app.region=eu'\\ west",
        onConnect: async (client) => {
          await client.query(
            "select set_config('timezone', 'Asia/Tokyo', false), set_config('datestyle', 'German', false)",
          )
          await client.query("set work_mem = '5MB'")
          await client.query('set search_path = pg_catalog')
        },
      },
      async (pool) => {
        for (const tenant of [two.a, two.b, two.a]) {
          await two.as(tenant, async () => {
            if (between !== undefined) await pool.query(between)
            await pool.query(
              "select set_config('app.region', 'of a tenant', false), set_config('datestyle', 'ISO', true)",
            )
            expect((await settings(pool)).rows).toEqual([expected])
            const inside = pool.transaction((tx) => tx.query("select current_setting('app.region') as region"), {
              isolation: 'serializable',
            })
            expect((await inside).rows).toEqual([{ region: expected.region }])
          })
        }
      },
    ),
  )
})

describe('what onConnect set, where no tenant comes first', () => {
  it.each([
    ['a statement without a tenant', (pool: TenantPool) => runWithoutTenant(() => pool.query('select 1'))],
    ['the check of the database', (pool: TenantPool) => pool.checkDatabase()],
  ])('is there after %s', (_what, first) =>
    two.withPool(
      { onConnect: async (client) => void (await client.query("select set_config('timezone', 'Asia/Tokyo', false)")) },
      async (pool) => {
        await first(pool)
        const { rows } = await two.as(two.a, () => pool.query("select current_setting('timezone') as zone"))
        expect(rows).toEqual([{ zone: 'Asia/Tokyo' }])
      },
    ),
  )
})

describe('a connection whose start-up options were dropped on the way', () => {
  it('gets path and time-outs with each statement', () =>
    two.withPool({ searchPath: ['public'], statementTimeoutMs: 12_000 }, async (pool) => {
      const client = new pool.Client(two.database.appUrl)
      // As a session pooler does that ignores them.
      const parameters: { options?: string } = Reflect.get(client, 'connectionParameters')
      expect(parameters.options).toContain('statement_timeout=12000')
      parameters.options = ''
      await client.connect()
      const read = "select current_setting('search_path') as path, current_setting('statement_timeout') as time"
      const wanted = [{ path: '"public", "pg_temp"', time: '12s' }]
      await two.as(two.a, async () => {
        expect((await client.query(read)).rows).toEqual(wanted)
        await client.query("select set_config('search_path', 'nowhere', false)")
      })
      await two.as(two.b, async () => expect((await client.query(read)).rows).toEqual(wanted))
      await client.end()
    }))
})
