// Texts that the pool prepares by itself are shared by all tenants of a connection (max: 1): what one tenant can do to, or learn from, another's.
import { beforeAll, describe, expect, it } from 'vitest'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants
let texts = 0

beforeAll(async () => {
  two = await createTwoTenants()
})

async function popularize(pool: TenantPool, text: string, values: unknown[] = []): Promise<void> {
  for (let time = 0; time < 6; time++) await two.as(time % 2 === 0 ? two.a : two.b, () => pool.query(text, values))
}

/** What a tenant sees of the statements of its connection. */
async function statements(pool: TenantPool): Promise<{ name: string; statement: string }[]> {
  const text = `select name, statement from pg_prepared_statements where name ~ '^partywall_[0-9a-f]{16}_' /* ${++texts} */`
  return (await two.as(two.a, () => pool.query(text))).rows
}

async function backend(pool: TenantPool): Promise<number> {
  return (await two.as(two.b, () => pool.query(`select pg_backend_pid() as pid /* ${++texts} */`))).rows[0].pid
}

describe('a plan that A and B use in turn', () => {
  it('shows each its own rows, also when the server keeps one plan for all values', () =>
    two.withPool({}, async (pool) => {
      const text = 'select tenant_id from documents where title like $1'
      for (let time = 0; time < 40; time++) {
        const tenant = time % 3 === 0 ? two.a : two.b
        expect((await two.as(tenant, () => pool.query(text, ['%']))).rows).toEqual([{ tenant_id: tenant.id }])
      }
      const { rows } = await two.as(two.a, () =>
        pool.query('select generic_plans::int as n from pg_prepared_statements where statement = $1', [text]),
      )
      expect(rows[0].n).toBeGreaterThan(0)
    }))

  it('has the rights of whoever runs it', () =>
    two.withPool({}, async (pool) => {
      const remove = 'delete from projects where id = $1'
      const none = '00000000-0000-4000-8000-000000000000'
      for (let time = 0; time < 6; time++)
        await two.as(time % 2 === 0 ? two.a : two.b, () => pool.query(remove, [none]), ['owner'])
      for (let time = 0; time < 6; time++) {
        const tenant = time % 2 === 0 ? two.a : two.b
        await expect(two.as(tenant, () => pool.query(remove, [none]), ['viewer'])).rejects.toMatchObject({
          code: '42501',
        })
        expect((await two.as(tenant, () => pool.query(remove, [none]), ['owner'])).rowCount).toBe(0)
      }
    }))

  const helpers = `
    create function setting_of_tenant() returns text language sql stable as $$ select current_setting('app.current_tenant_id', true) $$;
    create table own_tenant (tenant_id uuid not null); grant select on own_tenant to tenant_user; alter table own_tenant enable row level security;
    create policy p on own_tenant using (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);`
  it.each([
    [
      'reads a setting',
      "begin return nullif(current_setting('app.current_tenant_id', true), '')::uuid; end",
      'plpgsql',
    ],
    ['calls a function that does', "begin return nullif(setting_of_tenant(), '')::uuid; end", 'plpgsql'],
    [
      'reads a table of the tenant',
      'begin return (select o.tenant_id from pg_catalog.pg_class c, only public.own_tenant o limit 1); end',
      'plpgsql',
    ],
    ['has a body that is kept as a tree', 'begin atomic select tenant_id from own_tenant; end', 'sql'],
  ] as const)(
    'does not read B’s rows for A where a policy’s function is wrongly IMMUTABLE and %s',
    async (_case, body, language) => {
      await two.database.admin(`
      create table frozen (tenant_id uuid not null); insert into frozen values ('${two.a.id}'), ('${two.b.id}');
      grant select on frozen to tenant_user; alter table frozen enable row level security; ${helpers}
      insert into own_tenant select tenant_id from frozen;
      create function frozen_tenant() returns uuid language ${language} immutable ${language === 'sql' ? body : `as $$ ${body} $$`};
      create policy p on frozen using (tenant_id = frozen_tenant());`)
      try {
        const warnings: unknown[] = []
        const logger = { ...silentLogger, warn: (...said: unknown[]) => void warnings.push(said[0]) }
        await two.withPool({ seal: false, logger, max: 2 }, async (pool) => {
          await Promise.all([two.a, two.b].map((tenant) => two.as(tenant, () => pool.query('select pg_sleep(0.1)'))))
          expect(pool.totalCount).toBe(2)
          for (let time = 0; time < 20; time++) {
            const tenant = time % 2 === 0 ? two.a : two.b
            const { rows } = await two.as(tenant, () => pool.query('select tenant_id from frozen'))
            expect(rows).toEqual([{ tenant_id: tenant.id }])
          }
          expect(await statements(pool)).toEqual([])
          expect(warnings.filter((each) => JSON.stringify(each).includes('prepareThreshold'))).toHaveLength(1)
        })
        await two.database.admin('alter function frozen_tenant() stable')
        await two.withPool({ seal: false }, async (pool) => {
          await popularize(pool, 'select tenant_id from frozen')
          expect(await statements(pool)).toHaveLength(1)
        })
      } finally {
        await two.database.admin(
          'drop table frozen; drop function frozen_tenant(); drop table own_tenant; drop function setting_of_tenant()',
        )
      }
    },
  )

  it('is used all the same where an IMMUTABLE function only looks as if', async () => {
    await two.database.admin(`
      create function looks_odd(t text) returns text language sql immutable
        as $$ select trim(both ' ' from lower(t)) || extract(year from date '2026-01-01') || ' documents, of all' $$;`)
    try {
      await two.withPool({}, async (pool) => {
        await popularize(pool, 'select tenant_id from documents')
        expect(await statements(pool)).toHaveLength(1)
      })
    } finally {
      await two.database.admin('drop function looks_odd(text)')
    }
  })
})

describe('what A sets inside a transaction', () => {
  /** A poisons its transaction, and sends a text of the application until it would be prepared or planned. */
  async function poison(pool: TenantPool, settings: Record<string, string>, text: string): Promise<void> {
    await two.as(two.a, () =>
      pool.transaction(async (tx) => {
        for (const [name, value] of Object.entries(settings))
          await tx.query('select set_config($1, $2, true)', [name, value])
        for (let time = 0; time < 8; time++) await tx.query(Object.assign({ text }, { prepare: true }))
      }),
    )
  }

  it('does not decide how B’s literals are read', () =>
    two.withPool({}, async (pool) => {
      const text = "select '01/02/2026'::date::text as day, null = null as nothing"
      await two.as(two.b, () => pool.query(text))
      await poison(pool, { datestyle: 'SQL, DMY', transform_null_equals: 'on' }, text)
      await popularize(pool, text)
      const { rows } = await two.as(two.b, () => pool.query(text))
      expect(rows).toEqual([{ day: '2026-01-02', nothing: null }])
    }))

  it('does not decide how B’s statement is planned', () =>
    two.withPool({}, async (pool) => {
      const text = 'select title from documents where tenant_id = $1 and id = $2'
      const values = [two.b.id, two.b.documentId]
      await two.as(two.b, () => pool.query(text, values))
      await two.as(two.a, () =>
        pool.transaction(async (tx) => {
          for (const name of ['enable_indexscan', 'enable_bitmapscan', 'enable_indexonlyscan'])
            await tx.query("select set_config($1, 'off', true)", [name])
          await tx.query("select set_config('plan_cache_mode', 'force_generic_plan', true)")
          for (let time = 0; time < 8; time++)
            await tx.query(Object.assign({ text, values: [two.a.id, two.a.documentId] }, { prepare: true }))
        }),
      )
      const kept = await statements(pool)
      expect(kept).toEqual([])
    }))

  it('does not decide which table B’s statement names', async () => {
    await two.database.admin(`
      create schema elsewhere; grant usage on schema elsewhere to tenant_user;
      create table elsewhere.documents (tenant_id uuid, title text); insert into elsewhere.documents values (null, 'elsewhere');
      grant select on elsewhere.documents to tenant_user;`)
    await two.withPool({}, async (pool) => {
      const text = 'select tenant_id from documents'
      for (let time = 0; time < 12; time++) {
        await poison(pool, { search_path: 'elsewhere, public' }, text)
        await two.as(two.a, () => pool.query("select set_config('search_path', 'elsewhere, public', false)"))
        expect((await two.as(two.b, () => pool.query(text))).rows).toEqual([{ tenant_id: two.b.id }])
        expect((await two.as(two.a, () => pool.query(text))).rows).toEqual([{ tenant_id: two.a.id }])
      }
    })
  })
})

describe('what A learns of B’s statements', () => {
  it('is no text that B alone sends, with B’s values written into it', () =>
    two.withPool({}, async (pool) => {
      const secret = `select id from documents where title = 'B buys ${++texts}'`
      for (let time = 0; time < 50; time++) await two.as(two.b, () => pool.query(secret))
      await popularize(pool, 'select title from documents where id = $1', [two.b.documentId])
      const seen = await statements(pool)
      expect(seen.map(({ statement }) => statement)).toEqual(['select title from documents where id = $1'])
      expect(JSON.stringify(seen)).not.toContain(two.b.documentId)
    }))

  it('is no row: EXECUTE of a name runs for A, and is refused anyway', () =>
    two.withPool({ allowStatements: ['EXECUTE'] }, async (pool) => {
      await popularize(pool, 'select tenant_id from documents')
      const [known] = await statements(pool)
      const run = `execute ${known?.name}`
      expect((await two.as(two.a, () => pool.query(run))).rows).toEqual([{ tenant_id: two.a.id }])
      await two.withPool({}, async (strict) => {
        await expect(two.as(two.a, () => strict.query(run))).rejects.toMatchObject({
          code: 'PARTYWALL_STATEMENT_REFUSED',
        })
      })
    }))

  it('is no name in advance: each connection has its own, at random', async () => {
    const names = new Set<string>()
    for (let time = 0; time < 3; time++) {
      await two.withPool({}, async (pool) => {
        await popularize(pool, 'select 1 as one')
        for (const { name } of await statements(pool)) names.add(name.replace(/_\d+$/, ''))
      })
    }
    expect(names.size).toBe(3)
  })
})

describe('what A does to prepared statements', () => {
  const text = 'select tenant_id, title from documents'

  it.each([
    'deallocate all',
    'prepare mine as select 1',
    'discard all',
    'with x as (select 1) execute mine',
    "select query_to_xml('deallocate all', false, false, '')",
    "select query_to_xml('prepare mine as select 1', false, false, '')",
  ])('is refused by partywall or by the server: %s', (attack) =>
    two.withPool({}, async (pool) => {
      await popularize(pool, text)
      await expect(two.as(two.a, () => pool.query(attack))).rejects.toThrow()
      expect(await statements(pool)).toHaveLength(1)
      expect((await two.as(two.b, () => pool.query(text))).rows).toMatchObject([{ tenant_id: two.b.id }])
    }),
  )

  it('that was let through is gone before B comes: another text under our name', () =>
    two.withPool({ allowStatements: ['DO', 'DEALLOCATE', 'PREPARE'] }, async (pool) => {
      await popularize(pool, text)
      const [known] = await statements(pool)
      await two.as(two.a, () =>
        pool.query(`do $$ begin
          execute 'deallocate ${known?.name}';
          execute $x$prepare ${known?.name} as select gen_random_uuid() as tenant_id, 'of A'::text as title$x$;
        end $$`),
      )
      expect((await two.as(two.b, () => pool.query(text))).rows).toMatchObject([
        { tenant_id: two.b.id, title: 'First document' },
      ])
    }))

  it('by a function of the application costs A its connection, and B nothing', async () => {
    await two.database.admin(
      'create function runs_anything(text) returns void language plpgsql as $$ begin execute $1; end $$',
    )
    await two.withPool({}, async (pool) => {
      await popularize(pool, text)
      const [known] = await statements(pool)
      const before = await backend(pool)
      await two.as(two.a, () => pool.query(`select runs_anything('deallocate ${known?.name}')`))
      expect((await two.as(two.b, () => pool.query(text))).rows).toMatchObject([{ tenant_id: two.b.id }])
      expect(await backend(pool)).not.toBe(before)
      await popularize(pool, text)
      const [again] = await statements(pool)
      await two.as(two.a, () => pool.query(`select runs_anything('deallocate ${again?.name}')`))
      const client = await two.as(two.b, () => pool.connect())
      await expect(two.as(two.b, () => client.query(text))).rejects.toMatchObject({
        code: 'PARTYWALL_CONNECTION_IN_DOUBT',
      })
      client.release()
      expect((await two.as(two.b, () => pool.query(text))).rows).toMatchObject([{ tenant_id: two.b.id }])
    })
  })

  it('is not to push out what others use: one tenant’s own texts are not prepared', () =>
    two.withPool({ prepareThreshold: 2 }, async (pool) => {
      await popularize(pool, text)
      for (let n = 0; n < 400; n++) {
        await two.as(two.a, () => pool.query(`select ${n} as flood`))
        await two.as(two.a, () => pool.query(`select ${n} as flood`))
      }
      expect(await statements(pool)).toMatchObject([{ statement: text }])
    }))
})
