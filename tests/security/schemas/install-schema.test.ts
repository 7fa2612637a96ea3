// partywall.install_schema(): what it grants, what it refuses, and what it does when it runs again.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../../src/context/run-with-tenant.ts'
import { createTenantPool, type TenantPool } from '../../../src/database/pool/create-tenant-pool.ts'
import { silentLogger } from '../../../src/logger/logger.ts'
import { afterFile } from '../../setup/after-file.ts'
import { createTestDatabase, createTestTenant, type TestDatabase } from '../../setup/database.ts'
import { contextOf, createPlacedTenant, newSchemaName, type PlacedTenant } from '../../setup/tenant-schemas.ts'

let database: TestDatabase
let acme: PlacedTenant
let pool: TenantPool

beforeAll(async () => {
  database = await createTestDatabase()
  acme = await createPlacedTenant(database)
  pool = createTenantPool({
    connectionString: database.appUrl,
    max: 1,
    seal: { secret: database.sealSecret },
    roles: { tenant_admin: ['owner'] },
    logger: silentLogger,
  })
  afterFile(() => pool.end())
})

const install = (schema: string | null, tenant: string | null, more = '') =>
  database.admin(`call partywall.install_schema($1, $2${more})`, [schema, tenant])
const empty = async (name = newSchemaName()) => {
  await database.admin(`create schema ${name} authorization app_owner`)
  return name
}
const ask = (text: string, tenant = acme) => runWithTenant(contextOf(tenant, ['owner']), () => pool.query(text))

const WAITING =
  "select from pg_stat_activity where datname = $1 and wait_event_type = 'Lock' and query ilike 'call partywall.install_schema%'"

describe('install_schema', () => {
  it('can run again, and then protects tables that were created since; until then they have no grants', async () => {
    const { schema } = acme
    await database.admin(
      `create table ${schema}.later (id int primary key); alter table ${schema}.later owner to app_owner`,
    )
    await expect(ask('select * from later')).rejects.toMatchObject({ code: '42501' })
    await install(schema, acme.id)
    await ask('insert into later values (1)')
    expect((await ask('select * from later')).rows).toEqual([{ id: 1 }])
    const shape = () =>
      database.admin(
        `select c.relname, c.relrowsecurity, c.relforcerowsecurity, p.polname, p.polpermissive, p.polcmd, p.polroles::regrole[]::text, pg_get_expr(p.polqual, p.polrelid) as q, pg_get_expr(p.polwithcheck, p.polrelid) as w
           from pg_class c join pg_policy p on p.polrelid = c.oid where c.relnamespace = $1::regnamespace order by 1, 4`,
        [schema],
      )
    const before = (await shape()).rows
    expect(before).toHaveLength(20)
    expect(before.every((row) => row.relrowsecurity && row.relforcerowsecurity)).toBe(true)
    await install(schema, acme.id)
    expect((await shape()).rows).toEqual(before)
  })

  it('protects partitioned tables and their partitions', async () => {
    const { schema } = acme
    await database.admin(
      `create table ${schema}.events (id int) partition by list (id); create table ${schema}.events_1 partition of ${schema}.events default;
       alter table ${schema}.events owner to app_owner; alter table ${schema}.events_1 owner to app_owner`,
    )
    await install(schema, acme.id)
    await ask(`insert into ${schema}.events values (1)`)
    expect((await ask('select * from events')).rows).toEqual([{ id: 1 }])
    const other = await createPlacedTenant(database)
    for (const table of ['events', 'events_1'])
      expect((await ask(`select * from ${schema}.${table}`, other)).rows).toEqual([])
    await database.admin(`drop table ${schema}.events`)
  })

  it('runs as a migration role that is no superuser', async () => {
    const role = `migrator_${randomUUID().slice(0, 8)}`
    const url = new URL(database.adminUrl)
    const name = newSchemaName()
    await database.admin(
      `create role ${role} login password 'm' in role app_owner, partywall_owner; grant create on database ${database.name} to ${role}`,
    )
    url.username = role
    url.password = 'm'
    const client = new pg.Client({ connectionString: url.href })
    await client.connect()
    try {
      const tenant = await createTestTenant(database)
      await client.query(`begin; create schema ${name}; create table ${name}.notes (id int primary key, text text)`)
      await client.query('call partywall.install_schema($1, $2)', [name, tenant.id])
      expect((await client.query('select current_user::text as me')).rows).toEqual([{ me: role }])
      await client.query('commit')
      const placed = { ...contextOf(tenant), placement: { schema: name } }
      await runWithTenant(placed, () => pool.query("insert into notes values (1, 'own')"))
      expect((await runWithTenant(placed, () => pool.query('select text from notes'))).rows).toEqual([{ text: 'own' }])
      // FORCE: its owner sees no row without the tenant's setting.
      expect((await client.query(`select * from ${name}.notes`)).rows).toEqual([])
    } finally {
      await client.end()
      await database.admin(`drop schema ${name} cascade; drop owned by ${role}; drop role ${role}`)
    }
  })

  it.each([
    ['a name of PostgreSQL', 'pg_mine', '42602'],
    ['public', 'public', '42602'],
    ['partywall', 'partywall', '42602'],
    ['information_schema', 'information_schema', '42602'],
    ['upper case', 'Tenant', '42602'],
    ['a quote', 'a"b', '42602'],
    ['a comma', 'a,b', '42602'],
    ['64 bytes', 'x'.repeat(64), '42602'],
    ['nothing', '', '42602'],
    ['NULL', null, '42602'],
    ['a line break at its end', 'tenant_a\n', '42602'],
    ['a schema that does not exist', 'tenant_nowhere', '3F000'],
  ])('refuses %s as a schema', async (_, name, code) => {
    await expect(install(name, randomUUID())).rejects.toMatchObject({ code })
  })

  it('refuses to give a schema another tenant, and a tenant another schema, also after the schema was dropped', async () => {
    const tenant = randomUUID()
    const schema = await empty()
    await install(schema, tenant)
    await expect(install(schema, randomUUID())).rejects.toMatchObject({ code: '23505' })
    await expect(install(await empty(), tenant)).rejects.toMatchObject({ code: '23505' })
    await database.admin(`drop schema ${schema}; create schema ${schema} authorization app_owner`)
    await expect(install(schema, randomUUID())).rejects.toMatchObject({ code: '23505' })
    await expect(install(schema, tenant)).rejects.toMatchObject({ code: '55000' })
    await install(schema, tenant, ', recreated => true')
    await install(schema, tenant)
  })

  it('refuses no tenant', async () => {
    const schema = await empty()
    await expect(install(schema, '')).rejects.toMatchObject({ code: '22023' })
    await expect(install(schema, null)).rejects.toMatchObject({ code: '22023' })
  })

  it('refuses a schema or a table that the application owns', async () => {
    const schema = newSchemaName()
    await database.admin(`create schema ${schema} authorization tenant_admin`)
    await expect(install(schema, randomUUID())).rejects.toMatchObject({ code: '42501' })
    await database.admin(`alter schema ${schema} owner to app_owner; create table ${schema}.t (id int)`)
    for (const owner of ['tenant_user', 'app']) {
      await database.admin(`alter table ${schema}.t owner to ${owner}`)
      await expect(install(schema, randomUUID())).rejects.toMatchObject({ code: '42501' })
    }
    expect((await database.admin('select from partywall.schemas where schema_name = $1', [schema])).rowCount).toBe(0)
  })

  it.each([
    [
      'a parent in another schema',
      (mine: string, other: string) =>
        `create table ${other}.t (id int); create table ${mine}.t () inherits (${other}.t)`,
    ],
    [
      'a partition in another schema',
      (mine: string, other: string) =>
        `create table ${mine}.t (id int) partition by list (id); create table ${other}.t partition of ${mine}.t default`,
    ],
    [
      'a foreign key from another schema',
      (mine: string, other: string) =>
        `create table ${mine}.t (id int primary key); create table ${other}.t (id int references ${mine}.t)`,
    ],
    [
      'a foreign key into another tenant’s schema',
      (mine: string) =>
        `create table ${mine}.t (tenant_id uuid, id uuid, foreign key (tenant_id, id) references ${acme.schema}.documents)`,
    ],
  ])('refuses %s', async (_, make) => {
    const [mine, other] = [await empty(), await empty()]
    await database.admin(make(mine, other))
    await expect(install(mine, randomUUID())).rejects.toMatchObject({ code: '0LP01' })
    await database.admin(`drop schema ${mine} cascade; drop schema ${other} cascade`)
  })

  it('does not place a tenant that uses the shared tables now, unless it is asked not to place it', async () => {
    const tenant = await createTestTenant(database)
    const schema = await empty()
    await database.admin(
      "insert into partywall.tenant_states (tenant_id, registered_until) values ($1, now() + interval '1 minute')",
      [tenant.id],
    )
    await expect(install(schema, tenant.id)).rejects.toMatchObject({ code: '55000' })
    await install(schema, tenant.id, ', place => false')
    const { rows } = await database.admin('select schema_name from partywall.tenant_states where tenant_id = $1', [
      tenant.id,
    ])
    expect(rows).toEqual([{ schema_name: '' }])
    // Running it again changes no placement.
    await install(schema, tenant.id)
    expect(
      (await database.admin('select schema_name from partywall.tenant_states where tenant_id = $1', [tenant.id])).rows,
    ).toEqual([{ schema_name: '' }])
  })

  it('goes on when somebody drops a login of the application of another database meanwhile', async () => {
    const login = `passing_${randomUUID().slice(0, 8)}`
    const schema = await empty()
    await database.admin(`create role ${login} login in role tenant_user`)
    // Waits for this row after it has listed the roles.
    const other = new pg.Client({ connectionString: database.adminUrl })
    await other.connect()
    try {
      await other.query(
        `begin; insert into partywall.schemas (schema_name, tenant_id, schema_oid) values ('${schema}', 'other', 0)`,
      )
      const installing = install(schema, randomUUID())
      installing.catch(() => {})
      await expect
        .poll(async () => (await database.admin(WAITING, [database.name])).rowCount, { timeout: 20_000 })
        .toBe(1)
      await database.admin(`drop role ${login}`)
      await other.query('rollback')
      await installing
    } finally {
      await other.end()
    }
  })

  it('takes back what earlier migrations granted to the application or to PUBLIC', async () => {
    const { schema } = acme
    await database.admin(
      `grant all on all tables in schema ${schema} to public, app, tenant_user, tenant_admin; grant all on schema ${schema} to public, tenant_user; grant update (title) on ${schema}.documents to app`,
    )
    await install(schema, acme.id)
    const { rows } = await database.admin(
      `select distinct coalesce(r.rolname, 'PUBLIC') as role, a.privilege_type from pg_class c cross join lateral aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee
        where c.relnamespace = $1::regnamespace and c.relkind = 'r' and a.grantee <> c.relowner order by 1, 2`,
      [schema],
    )
    expect(rows.map((row) => `${row.role} ${row.privilege_type}`)).toEqual([
      'partywall_cross SELECT',
      'tenant_admin DELETE',
      'tenant_admin INSERT',
      'tenant_admin SELECT',
      'tenant_admin UPDATE',
      'tenant_user INSERT',
      'tenant_user SELECT',
      'tenant_user UPDATE',
    ])
    const more = await database.admin(
      `select has_schema_privilege('tenant_user', $1, 'CREATE') as may, has_column_privilege('app', $1 || '.documents', 'title', 'UPDATE') as col, exists (select from pg_namespace n, aclexplode(n.nspacl) a where n.nspname = $1 and a.grantee = 0) as anybody`,
      [schema],
    )
    expect(more.rows).toEqual([{ may: false, col: false, anybody: false }])
  })

  it('can be called by no role of the application', async () => {
    for (const call of [
      `select partywall.application_roles()`,
      "select has_function_privilege(session_user, 'partywall.install_schema(text, text, boolean, boolean, text, boolean)', 'execute') as may",
    ])
      await ask(call).then(
        ({ rows }) => expect(rows).toEqual([{ may: false }]),
        (error: unknown) => expect(error).toMatchObject({ code: '42501' }),
      )
  })

  it('works without a seal for an application that has none', async () => {
    const tenant = randomUUID()
    const schema = await empty()
    await database.admin(`create table ${schema}.notes (id int); alter table ${schema}.notes owner to app_owner`)
    await install(schema, tenant, ', sealed => false')
    const unsealed = createTenantPool({
      connectionString: database.appUrl,
      max: 1,
      seal: false,
      roles: {},
      logger: silentLogger,
    })
    try {
      const own = { tenantId: tenant, userId: 'u', placement: { schema } }
      await runWithTenant(own, () => unsealed.query('insert into notes values (1)'))
      expect((await runWithTenant(own, () => unsealed.query('select * from notes'))).rows).toEqual([{ id: 1 }])
      const other = { tenantId: randomUUID(), userId: 'u' }
      expect((await runWithTenant(other, () => unsealed.query(`select * from ${schema}.notes`))).rows).toEqual([])
    } finally {
      await unsealed.end()
    }
  })
})

describe('the directory', () => {
  it('answers with the placement, and only the application in its empty context is answered', async () => {
    const plain = await createTestTenant(database)
    const client = await database.admin('select * from partywall.directory_by_key($1)', [acme.key])
    expect(client.rows[0].id).toBe(acme.id)
    await expect(ask(`select * from partywall.tenant_by_key('${plain.key}')`)).rejects.toMatchObject({ code: '42501' })
  })
})
