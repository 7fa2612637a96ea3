// The wall around a tenant's schema, attacked: acme has a genuine context and any SQL in one statement, and wants globex's rows.
import { createHash } from 'node:crypto'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../../src/context/run-with-tenant.ts'
import type { TenantContextInput } from '../../../src/context/tenant-context.ts'
import { createTenantPool, type TenantPool } from '../../../src/database/pool/create-tenant-pool.ts'
import { silentLogger } from '../../../src/logger/logger.ts'
import { afterFile } from '../../setup/after-file.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../../setup/database.ts'
import { contextOf, createPlacedTenant, installTestSchema, type PlacedTenant } from '../../setup/tenant-schemas.ts'

let database: TestDatabase
let shared: TestTenant
let acme: PlacedTenant
let globex: PlacedTenant
let pool: TenantPool

beforeAll(async () => {
  database = await createTestDatabase()
  shared = await createTestTenant(database)
  acme = await createPlacedTenant(database)
  globex = await createPlacedTenant(database)
  pool = createTenantPool({
    connectionString: database.appUrl,
    max: 1,
    seal: { secret: database.sealSecret },
    roles: { tenant_admin: ['owner'] },
    logger: silentLogger,
    allowStatements: ['EXPLAIN', 'DO'],
  })
  afterFile(() => pool.end())
})

const run = (context: TenantContextInput, text: string) => runWithTenant(context, () => pool.query(text))
const owner = (tenant: TestTenant) => contextOf(tenant, ['owner'])
const everything = async () => {
  const { rows } = await database.admin(
    `select md5(string_agg(d, '|' order by d)) as all from (select d::text from ${globex.schema}.documents d union all select d::text from ${globex.schema}.users d) x (d)`,
  )
  return rows[0].all
}

const READS: readonly (readonly [string, () => string])[] = [
  ['a qualified name', () => `select body from ${globex.schema}.documents`],
  [
    'the path, in one statement',
    () =>
      `select set_config('search_path', '${globex.schema}', true), query_to_xml('select body from documents', true, false, '')::text as body`,
  ],
  [
    'the role of administrators',
    () =>
      `select set_config('role', 'tenant_admin', true), query_to_xml('select body from ${globex.schema}.documents', true, false, '')::text as body`,
  ],
  [
    'the plain setting, forged',
    () =>
      `select set_config('app.current_tenant_id', '${globex.id}', true), query_to_xml('select body from ${globex.schema}.documents', true, false, '')::text as body`,
  ],
  ['schema_to_xml', () => `select schema_to_xml('${globex.schema}', true, false, '')::text as body`],
  ['a subquery that joins both', () => `select g.body from documents a, ${globex.schema}.documents g`],
  [
    'a lateral table function',
    () => `select query_to_xml('select * from ${globex.schema}.users', true, false, '')::text`,
  ],
]

describe('a statement of another tenant', () => {
  it.each(READS)('reads nothing by %s', async (_, text) => {
    for (const context of [contextOf(acme), owner(acme), contextOf(shared), owner(shared)]) {
      const told = await run(context, text()).then(
        ({ rows }) => JSON.stringify(rows),
        (error: Error) => error.message,
      )
      expect(told).not.toContain(globex.key)
      expect(told).not.toContain('owner@example.com')
    }
  })

  it.each([
    ['INSERT', () => `insert into ${globex.schema}.documents (title) values ('planted')`],
    [
      'INSERT with its tenant id',
      () => `insert into ${globex.schema}.users (tenant_id, email, name) values ('${globex.id}', 'x', 'x')`,
    ],
    ['UPDATE', () => `update ${globex.schema}.documents set title = 'x'`],
    ['DELETE', () => `delete from ${globex.schema}.documents`],
    [
      'MERGE',
      () =>
        `merge into ${globex.schema}.documents d using (select 1) s on true when matched then update set title = 'x'`,
    ],
    [
      'a DO block that sets everything',
      () =>
        `do $$ begin perform set_config('app.current_tenant_id', '${globex.id}', true), set_config('role', 'tenant_admin', true); delete from ${globex.schema}.documents; end $$`,
    ],
    ['TRUNCATE in a DO block', () => `do $$ begin truncate ${globex.schema}.documents; end $$`],
  ])('changes nothing by %s', async (_, text) => {
    const before = await everything()
    for (const context of [owner(acme), owner(shared)]) {
      await run(context, text()).then(
        ({ rowCount }) => expect(rowCount ?? 0).toBe(0),
        (error: unknown) => expect(error).toMatchObject({ code: expect.stringMatching(/^42501$/) }),
      )
    }
    expect(await everything()).toBe(before)
  })

  it('does not read the other table at all', async () => {
    const { rows } = await run(
      contextOf(acme),
      `explain (analyze, costs off, timing off, summary off) select * from ${globex.schema}.documents`,
    )
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toContain('One-Time Filter')
    expect(plan).toMatch(/documents \(never executed\)/)
  })

  it('can’t use what no policy protects: sequences, functions, views and materialized views', async () => {
    const { schema } = globex
    await database.admin(
      `create sequence ${schema}.numbers; create materialized view ${schema}.copied as select body from ${schema}.documents;
       create view ${schema}.shown as select body from ${schema}.documents;
       create function ${schema}.told() returns setof text language sql security definer set search_path = ${schema}, pg_temp as 'select body from documents';
       grant select on all tables in schema ${schema} to tenant_user; grant usage on all sequences in schema ${schema} to tenant_user`,
    )
    await database.admin('call partywall.install_schema($1, $2)', [schema, globex.id])
    for (const text of [
      `select nextval('${schema}.numbers')`,
      `select last_value from ${schema}.numbers`,
      `select * from ${schema}.copied`,
      `select * from ${schema}.shown`,
      `select ${schema}.told()`,
    ])
      for (const context of [owner(acme), contextOf(acme)])
        await expect(run(context, text)).rejects.toMatchObject({ code: '42501' })
    await database.admin(
      `drop function ${schema}.told(); drop view ${schema}.shown; drop materialized view ${schema}.copied; drop sequence ${schema}.numbers`,
    )
  })

  it('learns no tenant’s id from the text of policies', async () => {
    const { rows } = await run(
      contextOf(acme),
      "select string_agg(coalesce(qual, '') || coalesce(with_check, ''), ' ') as texts from pg_policies",
    )
    expect(rows[0].texts).not.toContain(globex.id)
    expect(rows[0].texts).not.toContain(acme.id)
    expect(rows[0].texts).toContain(createHash('sha256').update(globex.id).digest('hex'))
  })
})

describe('a context with a placement that is not the tenant’s', () => {
  const wrong = () => [
    ['another tenant’s schema', { ...contextOf(acme), placement: globex.placement }] as const,
    ['the shared tables', { ...contextOf(acme), placement: undefined }] as const,
    ['a schema, for a tenant of shared tables', { ...contextOf(shared), placement: globex.placement }] as const,
    ['a schema that does not exist', { ...contextOf(acme), placement: { schema: 'tenant_none' } }] as const,
  ]

  it('reads and writes nothing, in no place', async () => {
    for (const [, context] of wrong()) {
      const before = await everything()
      for (const text of [
        'select body from documents',
        "insert into documents (title) values ('wrong')",
        `select body from ${globex.schema}.documents`,
        `insert into ${globex.schema}.documents (title) values ('wrong')`,
        `insert into ${acme.schema}.documents (title) values ('wrong')`,
        "insert into public.documents (title) values ('wrong')",
      ]) {
        const outcome = await run(context, text).then(
          ({ rowCount }) => rowCount,
          (error: Error & { code?: string }) => error.code,
        )
        expect(['PARTYWALL_DEPENDENCY_UNAVAILABLE', '42P01', 0]).toContain(outcome)
      }
      expect(await everything()).toBe(before)
    }
    const { rows } = await database.admin(
      `select count(*)::int as n from (select title from public.documents union all select title from ${acme.schema}.documents) d where title = 'wrong'`,
    )
    expect(rows).toEqual([{ n: 0 }])
  })

  it('is refused also if its ticket was registered before the tenant was placed', async () => {
    const tenant = await createTestTenant(database)
    const text = 'select count(*)::int as n from documents'
    for (let round = 0; round < 3; round++) expect((await run(contextOf(tenant), text)).rows).toEqual([{ n: 1 }])
    const known = () => database.admin('select from partywall.tickets where tenant_id = $1', [tenant.id])
    await expect.poll(async () => (await known()).rowCount).toBe(1)
    await database.admin('update partywall.tenant_states set registered_until = null where tenant_id = $1', [tenant.id])
    const schema = await installTestSchema(database, tenant.id)
    expect((await known()).rowCount).toBe(0)
    await expect(run(contextOf(tenant), text)).rejects.toMatchObject({ code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE' })
    await expect(run(contextOf(tenant), "insert into documents (title) values ('stale')")).rejects.toThrow()
    await run({ ...contextOf(tenant), placement: { schema } }, text)
    // The old process may not register its ticket again.
    const { rows } = await database.admin("select from partywall.tickets where tenant_id = $1 and mark = ''", [
      tenant.id,
    ])
    expect(rows).toEqual([])
  })
})

describe('the seal of a placement', () => {
  it('binds it: a body with another schema, and a seal cut or joined from parts, are not valid', async () => {
    const { rows } = await run(
      contextOf(acme),
      "select current_setting('app.tenant_seal') as seal, pg_backend_pid() as pid",
    )
    const seal: string = rows[0].seal
    const n = acme.schema.length
    expect(seal.endsWith(acme.schema + String(n).padStart(2, '0'))).toBe(true)
    const forged = [
      seal.slice(0, -n - 2) + globex.schema + String(globex.schema.length).padStart(2, '0'),
      seal.replace('v2', 'v1'),
      seal.slice(0, -n - 2).replace('v2', 'v1'),
      `${seal.slice(0, -2)}00`,
      `${seal.slice(65)}`,
    ]
    for (const text of forged) {
      const attempt = `select set_config('app.tenant_seal', ${pg.escapeLiteral(text)}, true), set_config('search_path', '${globex.schema}', true), query_to_xml('select body from ${globex.schema}.documents', true, false, '')::text as x`
      const outcome = await run(contextOf(acme), attempt).then(
        (result) => JSON.stringify(result.rows),
        (error: Error) => error.message,
      )
      expect(outcome).not.toContain(globex.key)
    }
  })

  it('is read back: user, actor and schema are what the application sealed', async () => {
    const context = { ...contextOf(acme), userId: 'ünï', actor: { id: 'staff/tenant_x09', type: 'staff' as const } }
    const { rows } = await run(
      context,
      'select partywall.tenant_id() as t, partywall.user_id() as u, partywall.actor_id() as a, partywall.schema_name() as s',
    )
    expect(rows).toEqual([{ t: acme.id, u: 'ünï', a: 'staff/tenant_x09', s: acme.schema }])
    const plain = await run(
      { ...contextOf(shared), actor: { id: `x${acme.schema}15`, type: 'staff' } },
      'select partywall.actor_id() as a, partywall.schema_name() as s',
    )
    expect(plain.rows).toEqual([{ a: `x${acme.schema}15`, s: '' }])
  })
})
