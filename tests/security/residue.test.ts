// What a statement of A can leave on a connection, and what B then finds on the same connection (max: 1).
import type pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithoutTenant } from '../../src/context/run-with-tenant.ts'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { createSecurityEvents } from '../../src/events/security-events.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants

beforeAll(async () => {
  two = await createTwoTenants()
})

const everything = [
  'DO',
  'CALL',
  'PREPARE',
  'DEALLOCATE',
  'SET',
  'RESET',
  'LISTEN',
  'DECLARE',
  'CREATE',
  'DISCARD',
  'EXECUTE',
]

async function backend(pool: TenantPool): Promise<number> {
  const { rows } = await two.as(two.b, () => pool.query('select pg_backend_pid() as pid'))
  return rows[0].pid
}

/** What B sees and can do, whatever A left. */
async function expectCleanForB(pool: TenantPool): Promise<void> {
  await two.as(two.b, async () => {
    const { rows } = await pool.query('select distinct tenant_id from documents')
    expect(rows).toEqual([{ tenant_id: two.b.id }])
    const inserted = await pool.query("insert into documents (title) values ('of B') returning tenant_id")
    expect(inserted.rows).toEqual([{ tenant_id: two.b.id }])
  })
  const stored = await two.database.admin("delete from documents where title = 'of B' returning tenant_id")
  expect(stored.rows).toEqual([{ tenant_id: two.b.id }])
}

describe.each([
  { name: 'sealed', options: {} },
  { name: 'unsealed', options: { seal: false as const } },
])('what A’s SELECT leaves, $name', ({ options }) => {
  // Sealed tables show an unsealed pool nothing; its rows stand behind the plain policy alone.
  beforeAll(async () => {
    if (options.seal !== false) return
    for (const table of ['documents']) {
      await two.database.admin(
        `drop policy tenant_seal_policy on ${table}; drop policy tenant_write_policy on ${table}`,
      )
      await two.database.admin(`drop policy tenant_level_policy on ${table}`)
    }
  })

  it.each([
    ['tenant', (b: string) => `select set_config('app.current_tenant_id', '${b}', false)`],
    ['search_path', () => "select set_config('search_path', 'pg_temp, nowhere', false)"],
    ['row_security', () => "select set_config('row_security', 'off', false)"],
    ['read-only default', () => "select set_config('default_transaction_read_only', 'on', false)"],
    ['statement_timeout', () => "select set_config('statement_timeout', '1', false), pg_sleep(0)"],
    ['lock_timeout', () => "select set_config('lock_timeout', '1', false)"],
    ['role', () => "select set_config('role', 'tenant_admin', false)"],
    ['a custom setting', () => "select set_config('app.anything', 'of A', false)"],
    ['time zone', () => "select set_config('timezone', 'Asia/Tokyo', false)"],
    ['isolation default', () => "select set_config('default_transaction_isolation', 'serializable', false)"],
    ['string syntax', () => "select set_config('standard_conforming_strings', 'off', false)"],
  ] as const)('does not reach B: %s', (_name, sql) =>
    two.withPool(options, async (pool) => {
      await two.as(two.a, () => pool.query(sql(two.b.id)))
      await expectCleanForB(pool)
      const { rows } = await two.as(two.b, () =>
        pool.query(
          "select current_setting('timezone') as zone, current_setting('app.anything', true) as custom, current_role as role, current_setting('default_transaction_isolation') as isolation, current_setting('standard_conforming_strings') as strings",
        ),
      )
      expect(rows[0]).toMatchObject({ role: 'tenant_user', isolation: 'read committed', strings: 'on' })
      expect(rows[0].zone).not.toBe('Asia/Tokyo')
      expect(rows[0].custom ?? '').toBe('')
    }),
  )

  it('does not reach B behind an error of B, either', () =>
    two.withPool(options, async (pool) => {
      await two.as(two.a, () => pool.query("select set_config('app.anything', 'of A', false)"))
      await two.as(two.b, () => expect(pool.query('select 1/0')).rejects.toMatchObject({ code: '22012' }))
      const { rows } = await two.as(two.b, () => pool.query("select current_setting('app.anything', true) as custom"))
      expect(rows[0].custom ?? '').toBe('')
    }))

  it('does not reach B inside a transaction of B, serializable too', () =>
    two.withPool(options, async (pool) => {
      for (const isolation of ['read committed', 'serializable'] as const) {
        await two.as(two.a, () =>
          pool.query("select set_config('app.anything', 'of A', false), set_config('row_security', 'off', false)"),
        )
        await two.as(two.b, () =>
          pool.transaction(
            async (tx) => {
              const { rows } = await tx.query(
                "select current_setting('app.anything', true) as custom, (select count(*)::int from documents) as n",
              )
              expect(rows).toEqual([{ custom: '', n: 1 }])
            },
            { isolation },
          ),
        )
      }
    }))

  it('is not a lock that B waits for', () =>
    two.withPool(options, async (pool) => {
      await two.as(two.a, () => pool.query('select pg_advisory_lock(7)'))
      await two.as(two.b, () => pool.query('select 1'))
      const { rows } = await two.database.admin(
        "select count(*)::int as n from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
      )
      expect(rows).toEqual([{ n: 0 }])
    }))
})

describe('what A leaves by statements that were let through', () => {
  it.each([
    [
      'a DO block that sets the tenant',
      (b: string) => `do $$ begin perform set_config('app.current_tenant_id', '${b}', false); end $$`,
    ],
    ['a prepared statement of our name', () => 'deallocate all'],
    ['a session-wide SET', () => "set search_path = 'nowhere'"],
    ['a role', () => 'set role tenant_admin'],
    ['a LISTEN', () => 'listen everybody'],
  ] as const)('DISCARD ALL takes it away before B comes: %s', (_name, sql) =>
    two.withPool({ allowStatements: everything, seal: false }, async (pool) => {
      const client = await two.as(two.a, () => pool.connect())
      await two.as(two.a, async () => {
        await client.query(sql(two.b.id))
      })
      client.release()
      await expectCleanForB(pool)
      const { rows } = await two.as(two.b, () => pool.query('select count(*)::int as n from pg_listening_channels()'))
      expect(rows).toEqual([{ n: 0 }])
    }),
  )

  it('a no-op under the name of our statement does not let B write as A', () =>
    two.withPool({ allowStatements: everything, seal: false }, async (pool) => {
      await two.as(two.a, () =>
        pool.query(`do $$ declare form text; begin
            foreach form in array '{identity,identity-switch}'::text[] loop
              execute format('deallocate %I', 'partywall_context_' || form);
              execute format('prepare %I(text, text, text) as select where $1 || $2 || $3 is null', 'partywall_context_' || form);
            end loop;
            perform set_config('app.current_tenant_id', '${two.a.id}', false);
          end $$`),
      )
      await expectCleanForB(pool)
    }))

  it('a temporary table that is called like a tenant’s table catches nothing, where TEMP is granted', async () => {
    await two.database.admin(`grant temporary on database ${two.database.name} to tenant_user`)
    try {
      await two.withPool({ allowStatements: everything, seal: false }, async (pool) => {
        await two.as(two.a, () =>
          pool.query('do $$ begin create temp table documents (tenant_id uuid default null, title text); end $$'),
        )
        await expectCleanForB(pool)
      })
      // SELECT INTO answers with a clean tag: that it is no plain SELECT is known from its text alone.
      await two.withPool({ allowStatements: ['CREATE'], seal: false }, async (pool) => {
        await two.as(two.a, () => pool.query('select tenant_id, title into temp documents from public.documents'))
        const { rows } = await two.as(two.b, () => pool.query("select to_regclass('pg_temp.documents') as temporary"))
        expect(rows).toEqual([{ temporary: null }])
        await expectCleanForB(pool)
      })
    } finally {
      await two.database.admin(`revoke temporary on database ${two.database.name} from tenant_user`)
    }
  })

  it('a cursor WITH HOLD is gone, and one without ends with its transaction', () =>
    two.withPool({ allowStatements: everything, seal: false }, async (pool) => {
      await two.as(two.a, () => pool.query('declare c cursor with hold for select * from documents'))
      await two.as(two.b, () => expect(pool.query('fetch all from c')).rejects.toMatchObject({ code: '34000' }))
      await two.as(two.a, () => pool.transaction((tx) => tx.query('declare d cursor for select * from documents')))
      await two.as(two.b, () => expect(pool.query('fetch all from d')).rejects.toMatchObject({ code: '34000' }))
    }))

  it('goes on with the same connection where DISCARD ALL was enough', () =>
    two.withPool({ allowStatements: everything, seal: false }, async (pool) => {
      const before = await backend(pool)
      await two.as(two.a, () => pool.query('do $$ begin end $$'))
      expect(await backend(pool)).toBe(before)
    }))
})

describe('a connection in doubt', () => {
  it.each([
    ['an open transaction', async (client: pg.PoolClient) => void (await client.query('begin'))],
    [
      'an aborted transaction',
      async (client: pg.PoolClient) => {
        await client.query('begin')
        await client.query('select 1/0').catch(() => {})
      },
    ],
    [
      'a statement that still runs',
      async (client: pg.PoolClient) => {
        client.query('select pg_sleep(1)').catch(() => {})
      },
    ],
    [
      'a changed session parameter',
      async (client: pg.PoolClient) => void (await client.query("select set_config('timezone', 'Asia/Tokyo', false)")),
    ],
  ])('is destroyed at its release: %s', async (_name, leave) => {
    const events = createSecurityEvents()
    const reasons: string[] = []
    events.on('CONNECTION_DESTROYED', (event) => reasons.push(event.reason))
    await two.withPool({ events, seal: false }, async (pool) => {
      const before = await backend(pool)
      await two.as(two.a, async () => {
        const client = await pool.connect()
        await leave(client)
        client.release()
      })
      expect(reasons).toHaveLength(1)
      expect(await backend(pool)).not.toBe(before)
    })
  })

  it('is destroyed after FATAL, and whoever asks next gets another', () =>
    two.withPool({}, async (pool) => {
      const pid = await backend(pool)
      const refused = expect(two.as(two.a, () => pool.query('select pg_sleep(5)'))).rejects.toMatchObject({
        code: '57P01',
      })
      await two.database.admin('select pg_terminate_backend($1) from pg_sleep(0.1)', [pid])
      await refused
      expect(await backend(pool)).not.toBe(pid)
    }))
})

describe('clients that a library makes itself', () => {
  it('are cleaned between tenants although nobody releases them', async () => {
    const pool = two.pool({ allowStatements: everything, seal: false })
    const client = new pool.Client({ connectionString: two.database.appUrl })
    await client.connect()
    await runWithoutTenant(() => client.query("set timezone = 'Asia/Tokyo'"))
    await two.as(two.a, () => client.query("set search_path = 'nowhere'"))
    await two.as(two.a, () => client.query("select set_config('app.anything', 'of A', false)"))
    await two.as(two.b, async () => {
      const { rows } = await client.query(
        "select current_setting('timezone') as zone, current_setting('app.anything', true) as custom, (select count(*)::int from documents) as n",
      )
      expect(rows).toEqual([{ zone: 'Asia/Tokyo', custom: '', n: 1 }])
    })
    await expect(client.query('select 1')).rejects.toMatchObject({ code: 'PARTYWALL_CONTEXT_MISSING' })
    await client.end()
    await pool.end()
  })
})
