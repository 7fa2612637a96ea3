// A tenant in a schema of its own, beside tenants of the shared tables, on one pool.
import Cursor from 'pg-cursor'
import { beforeAll, describe, expect, it } from 'vitest'
import { getCurrentTenant, runWithoutTenant, runWithTenant } from '../../../src/context/run-with-tenant.ts'
import { createTenantPool, type TenantPool } from '../../../src/database/pool/create-tenant-pool.ts'
import type { TenantPoolOptions } from '../../../src/database/settings/options.ts'
import { silentLogger } from '../../../src/logger/logger.ts'
import { TenantAwareRepository } from '../../../src/repository/base-repository.ts'
import { afterFile } from '../../setup/after-file.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../../setup/database.ts'
import { TcpProxy } from '../../setup/tcp-proxy.ts'
import { contextOf, createPlacedTenant, type PlacedTenant } from '../../setup/tenant-schemas.ts'

let database: TestDatabase
let shared: TestTenant
let acme: PlacedTenant
let globex: PlacedTenant

beforeAll(async () => {
  database = await createTestDatabase()
  shared = await createTestTenant(database)
  acme = await createPlacedTenant(database)
  globex = await createPlacedTenant(database)
})

function open(options: Partial<TenantPoolOptions> = {}): TenantPool {
  return createTenantPool({
    connectionString: database.appUrl,
    max: 1,
    seal: { secret: database.sealSecret },
    roles: { tenant_admin: ['owner'] },
    logger: silentLogger,
    ...options,
  })
}

const as = <T>(tenant: TestTenant, fn: () => Promise<T>, roles: readonly string[] = []): Promise<T> =>
  runWithTenant(contextOf(tenant, roles), fn)
const secretOf = (tenant: TestTenant) => `secret of ${tenant.key}`
const fleet = () => [shared, acme, globex, shared, globex, acme]

describe.each([
  { name: 'plain', options: {} },
  { name: 'pipelined', options: { pipelinedConnections: 1 } },
  { name: 'as behind a transaction pooler', options: { pooler: 'transaction' } },
  { name: 'without prepared statements', options: { prepareThreshold: 0 } },
] satisfies readonly { name: string; options: Partial<TenantPoolOptions> }[])('a mixed fleet, $name', ({ options }) => {
  let pool: TenantPool
  beforeAll(() => {
    pool = open(options)
    afterFile(() => pool.end())
  })
  const bodiesIn = async (client: Pick<TenantPool, 'query'>) =>
    (await client.query('select body from documents order by body')).rows.map((row) => row.body)

  it('shows each tenant its own rows, in turn', async () => {
    for (let round = 0; round < 8; round++)
      for (const tenant of fleet()) expect(await as(tenant, () => bodiesIn(pool))).toEqual([secretOf(tenant)])
  })

  it('shows each tenant its own rows, all at once', async () => {
    const asked = Array.from({ length: 60 }, (_, place) => [shared, acme, globex][place % 3] ?? shared)
    const found = await Promise.all(asked.map((tenant) => as(tenant, () => bodiesIn(pool))))
    expect(found).toEqual(asked.map((tenant) => [secretOf(tenant)]))
  })

  it('keeps a tenant’s place through a transaction with savepoints, errors and a path that its SQL sets', async () => {
    for (const tenant of fleet()) {
      await as(tenant, () =>
        pool.transaction(async (transaction) => {
          expect(await bodiesIn(transaction)).toEqual([secretOf(tenant)])
          await transaction.transaction(async (inner) => inner.query('select 1/0')).catch(() => {})
          expect(await bodiesIn(transaction)).toEqual([secretOf(tenant)])
          await transaction.query('savepoint mine')
          if ('placement' in tenant) await transaction.query(`select set_config('search_path', 'public', true)`)
          expect(await bodiesIn(transaction)).toEqual([secretOf(tenant)])
          if ('placement' in tenant) await transaction.query("set local search_path = 'public'")
          expect(await bodiesIn(transaction)).toEqual([secretOf(tenant)])
          await transaction.query('rollback to savepoint mine')
          expect(await bodiesIn(transaction)).toEqual([secretOf(tenant)])
        }),
      )
    }
  })

  it('gives the ordinary path back, also after an error and after a path that a tenant set for its session', async () => {
    const pathOf = async (tenant: TestTenant) =>
      (await as(tenant, () => pool.query("select current_setting('search_path') as path"))).rows[0].path
    const usual = '"public", "pg_temp"'
    expect(await pathOf(acme)).toBe(`"${acme.schema}", "pg_temp"`)
    expect(await pathOf(shared)).toBe(usual)
    await expect(as(acme, () => pool.query('select 1/0'))).rejects.toThrow()
    expect(await pathOf(shared)).toBe(usual)
    await as(acme, () => pool.query(`select set_config('search_path', '${acme.schema}', false)`))
    expect(await pathOf(shared)).toBe(usual)
    await as(shared, () => pool.query(`select set_config('search_path', '${globex.schema}', false)`))
    expect(await pathOf(acme)).toBe(`"${acme.schema}", "pg_temp"`)
    await as(acme, () => pool.query('select 1'))
    const { rows } = await runWithoutTenant(() => pool.query("select current_setting('search_path') as path"))
    expect(rows).toEqual([{ path: usual }])
  })

  it('writes into the tenant’s own place, by INSERT, copyInto, a repository and a cursor that reads', async () => {
    const documents = new TenantAwareRepository<{ id: string; tenant_id: string; title: string; created_at: Date }>({
      pool,
      table: 'documents',
      columns: { id: 'uuid', tenant_id: 'uuid', title: 'text', created_at: 'timestamptz' },
    })
    for (const tenant of fleet().slice(0, 3)) {
      await as(tenant, () => pool.query("insert into documents (title, body) values ('by insert', $1)", [tenant.key]))
      await as(tenant, () => pool.copyInto('documents', [{ title: 'by copy', body: tenant.key }]))
      const made = await as(tenant, () => documents.create({ title: 'by repository' }))
      expect(made.tenant_id).toBe(tenant.id)
      expect((await as(tenant, () => documents.findAll())).map((row) => row.title).sort()).toEqual([
        'First document',
        'by copy',
        'by insert',
        'by repository',
      ])
      const rows = await as(tenant, async () => {
        const client = await pool.connect()
        try {
          const cursor = client.query(new Cursor('select tenant_id from documents'))
          const read = await cursor.read(10)
          await cursor.close()
          return read
        } finally {
          client.release()
        }
      })
      expect(rows).toEqual(Array.from({ length: 4 }, () => ({ tenant_id: tenant.id })))
      const place = contextOf(tenant).placement?.schema ?? 'public'
      const written = await database.admin(`select count(*)::int as n from ${place}.documents where tenant_id = $1`, [
        tenant.id,
      ])
      expect(written.rows).toEqual([{ n: 4 }])
      await database.admin(`delete from ${place}.documents where title like 'by %' and tenant_id = $1`, [tenant.id])
    }
  })

  it('lets only administrators of the tenant delete', async () => {
    for (const tenant of [acme, shared]) {
      await as(tenant, () => pool.query("insert into documents (title) values ('short-lived')"))
      const remove = "delete from documents where title = 'short-lived'"
      await expect(as(tenant, () => pool.query(remove))).rejects.toMatchObject({ code: '42501' })
      expect((await as(tenant, () => pool.query(remove), ['owner'])).rowCount).toBe(1)
    }
  })
})

describe('the round trip', () => {
  it('is one write for a query of a tenant in a schema, as for one in shared tables', async () => {
    const proxy = await TcpProxy.start(database.appUrl)
    const url = new URL(database.appUrl)
    url.port = String(new URL(proxy.url).port)
    const pool = open({ connectionString: url.href, prepareThreshold: 0 })
    try {
      for (let round = 0; round < 3; round++)
        for (const tenant of fleet()) await as(tenant, () => pool.query('select 1'))
      for (const tenant of fleet()) {
        proxy.reset()
        await as(tenant, () => pool.query('select title from documents where title = $1', ['x']))
        expect([proxy.roundTrips, proxy.writes]).toEqual([1, 1])
      }
    } finally {
      await pool.end()
      await proxy.stop()
    }
  })
})

describe('statements that are prepared', () => {
  const status = (tenant: PlacedTenant, value: string) =>
    database.admin(
      `create type ${tenant.schema}.status as enum ('${value}', 'other');
       create table ${tenant.schema}.tasks (state ${tenant.schema}.status not null);
       alter table ${tenant.schema}.tasks owner to app_owner;
       call partywall.install_schema('${tenant.schema}', '${tenant.id}');
       grant usage on type ${tenant.schema}.status to tenant_user, tenant_admin;
       insert into ${tenant.schema}.tasks values ('${value}')`,
    )

  beforeAll(async () => {
    await status(acme, 'of-acme')
    await status(globex, 'of-globex')
  })

  it.each([
    { name: 'prepare: true', config: { prepare: true } },
    { name: 'a name of the caller’s', config: { name: 'by_state' } },
    { name: 'no name, prepared because they are frequent', config: {} },
  ])('work in every schema although each has an enum of its own: $name', async ({ config }) => {
    const pool = open()
    try {
      for (let round = 0; round < 15; round++) {
        for (const [tenant, value] of [
          [acme, 'of-acme'],
          [globex, 'of-globex'],
        ] as const) {
          const query = { ...config, text: 'select state from tasks where state = $1', values: [value] }
          expect((await as(tenant, () => pool.query(query))).rows).toEqual([{ state: value }])
        }
      }
    } finally {
      await pool.end()
    }
  })

  it('have another name for each schema on one connection, so that none is planned anew', async () => {
    const pool = open()
    try {
      const query = { text: 'select title from documents where title = $1', values: ['x'], prepare: true }
      for (let round = 0; round < 4; round++)
        for (const tenant of [acme, globex, shared]) await as(tenant, () => pool.query(query))
      const { rows } = await as(shared, () =>
        pool.query(
          "select count(distinct name)::int as names, max(generic_plans + custom_plans)::int as plans from pg_prepared_statements where statement = 'select title from documents where title = $1'",
        ),
      )
      expect(rows).toEqual([{ names: 3, plans: 4 }])
    } finally {
      await pool.end()
    }
  })

  it('that have a name and no text are refused in a schema, where the name may mean another schema’s statement', async () => {
    const pool = open()
    try {
      await as(shared, () => pool.query({ name: 'kept', text: 'select 1 as one' }))
      await expect(as(acme, () => pool.query({ name: 'kept' } as never))).rejects.toMatchObject({
        code: 'PARTYWALL_STATEMENT_REFUSED',
      })
    } finally {
      await pool.end()
    }
  })
})

describe('a placement', () => {
  const placed = (schema: unknown) => ({ tenantId: acme.id, userId: 'u', placement: { schema } }) as never

  it.each([
    'Tenant_a',
    'a,b',
    '"a", b"',
    '$user',
    "x'; drop schema public",
    'a b',
    '',
    'ä',
    `x${'y'.repeat(63)}`,
    'pg_catalog',
    'pg_temp',
    'public',
    'information_schema',
    'partywall',
    7,
    null,
    ['tenant_a'],
  ])('with the name %j is refused before anything is sent', (schema) => {
    expect(() => runWithTenant(placed(schema), () => 1)).toThrow(
      expect.objectContaining({ code: 'PARTYWALL_CONFIGURATION' }),
    )
  })

  it('in a schema that is in the path of other tenants is refused', async () => {
    for (const options of [{ searchPath: ['app'] }, { lookupSchemas: ['app'] }]) {
      const pool = open(options)
      await expect(runWithTenant(placed('app'), () => pool.query('select 1'))).rejects.toMatchObject({
        code: 'PARTYWALL_CONFIGURATION',
      })
      await pool.end()
    }
  })

  it('stays for contexts of the same tenant that are opened inside, and can’t be changed there', () => {
    runWithTenant(placed('tenant_x'), () => {
      runWithTenant({ tenantId: acme.id, userId: 'v' }, () => {
        const inner = runWithTenant({ tenantId: acme.id, userId: 'v' }, () => getCurrentTenant())
        expect(inner.placement).toEqual({ schema: 'tenant_x' })
      })
      runWithoutTenant(() => {
        expect(runWithTenant({ tenantId: acme.id, userId: 'v' }, getCurrentTenant).placement).toEqual({
          schema: 'tenant_x',
        })
      })
      expect(() => runWithTenant(placed('tenant_y'), () => 1)).toThrow(
        expect.objectContaining({ code: 'PARTYWALL_TENANT_ISOLATION' }),
      )
    })
  })

  it('is not shared by contexts of one user that differ in nothing else', async () => {
    const pool = open({ seal: false })
    const path = async (schema: string | undefined) => {
      const context = { tenantId: acme.id, userId: 'u', ...(schema === undefined ? {} : { placement: { schema } }) }
      const { rows } = await runWithTenant(context, () => pool.query("select current_setting('search_path') as p"))
      return rows[0].p
    }
    try {
      for (let round = 0; round < 3; round++) {
        expect(await path('tenant_x')).toBe('"tenant_x", "pg_temp"')
        expect(await path(undefined)).toBe('"public", "pg_temp"')
        expect(await path('tenant_y')).toBe('"tenant_y", "pg_temp"')
      }
    } finally {
      await pool.end()
    }
  })
})
