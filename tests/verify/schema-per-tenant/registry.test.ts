// Fleets that partywall.install_schema() made: a sealed database with shared tables and schemas.
import { beforeAll, describe, expect, it } from 'vitest'
import { createTenantPool } from '../../../src/database/pool/create-tenant-pool.ts'
import { silentLogger } from '../../../src/logger/logger.ts'
import { atLeast } from '../../../src/verify/finding/finding.ts'
import type { VerifyReport } from '../../../src/verify/report/report-model.ts'
import { verifyDatabase } from '../../../src/verify/verify-database.ts'
import { createTestDatabase, createTestTenant, type TestDatabase } from '../../setup/database.ts'
import { createPlacedTenant, type PlacedTenant } from '../../setup/tenant-schemas.ts'

let database: TestDatabase
let acme: PlacedTenant
let globex: PlacedTenant

beforeAll(async () => {
  database = await createTestDatabase()
  await createTestTenant(database)
  acme = await createPlacedTenant(database)
  globex = await createPlacedTenant(database)
})

const look = (mode: 'static' | 'attack' = 'attack') =>
  verifyDatabase({ databaseUrl: database.adminUrl, appRole: 'app', sealSecret: database.sealSecret, mode })
const loud = (report: VerifyReport) =>
  report.findings.filter(({ severity }) => atLeast(severity, 'medium')).map(({ key, message }) => `${key}: ${message}`)

describe('a mixed fleet of install_schema()', () => {
  it('is proved: each table of the schemas, with a control, and nothing is reported', async () => {
    const report = await look()
    expect(report.summary.internalErrors).toEqual([])
    expect(loud(report)).toEqual([])
    const lines = report.tables.filter(({ object }) => object.endsWith('in 2 schemas'))
    expect(lines.map(({ object }) => object)).toEqual([
      'documents in 2 schemas',
      'projects in 2 schemas',
      'users in 2 schemas',
    ])
    for (const { verbs } of lines)
      expect(verbs).toEqual({ select: 'proved', insert: 'proved', update: 'proved', delete: 'proved' })
  })

  it('is printed with its policies, once for tables that are alike', async () => {
    const documents = async () =>
      (await look('static')).examined.tenantRelations.filter(({ name }) => name === 'documents')
    const [alike, ...others] = await documents()
    expect(others).toEqual([])
    expect([...(alike?.schemas ?? [])].sort()).toEqual([acme.schema, globex.schema].sort())
    const isolation = alike?.policies.find(({ name }) => name === 'tenant_isolation_policy')
    expect(isolation?.using).toContain("'<tenant>'")
    expect(JSON.stringify(alike)).not.toContain(acme.id)
    // Policies that name another tenant are not folded away.
    await database.admin(
      `alter table ${acme.schema}.documents disable row level security; drop policy tenant_seal_policy on ${globex.schema}.documents`,
    )
    expect((await documents()).map(({ rowSecurity, policies }) => [rowSecurity, policies.length])).toEqual(
      expect.arrayContaining([
        [false, alike?.policies.length],
        [true, (alike?.policies.length ?? 0) - 1],
      ]),
    )
    for (const { schema, id } of [acme, globex])
      await database.admin('call partywall.install_schema($1, $2)', [schema, id])
    expect(await documents()).toHaveLength(1)
  })

  it.each([
    [
      'no seal policy',
      () => `drop policy tenant_seal_policy on ${acme.schema}.documents`,
      'schema-table-unwalled:{}.documents:seal',
    ],
    [
      'policies of another tenant',
      () =>
        `do $$ declare mark text := encode(sha256(convert_to('${globex.id}', 'UTF8')), 'hex'); begin
           execute format('drop policy tenant_isolation_policy on ${acme.schema}.documents; create policy tenant_isolation_policy on ${acme.schema}.documents using ((select encode(sha256(convert_to(current_setting(%L, true), %L)), %L)) = %L)', 'app.current_tenant_id', 'UTF8', 'hex', mark);
           execute format('drop policy tenant_seal_policy on ${acme.schema}.documents; create policy tenant_seal_policy on ${acme.schema}.documents as restrictive to tenant_user, tenant_admin using ((select coalesce(p.mark, partywall.placed_mark()) from partywall.placement p) = %L)', mark);
         end $$`,
      'schema-policy-wrong-tenant:{}.documents',
    ],
    [
      'row-level security off',
      () => `alter table ${acme.schema}.documents disable row level security`,
      'schema-table-unwalled:{}.documents',
    ],
    [
      'a table that was created since',
      () => `create table ${acme.schema}.later (id int); grant select on ${acme.schema}.later to tenant_user`,
      'schema-table-unwalled:{}.later',
    ],
  ])('is reported with %s, until install_schema() runs again', async (_, change, key) => {
    await database.admin(change())
    const report = await look()
    const found = report.findings.find((finding) => finding.key === key.replace('{}', acme.schema))
    expect(found, report.findings.map((finding) => finding.key).join('\n')).toBeDefined()
    expect(atLeast(found?.severity ?? 'info', 'high')).toBe(true)
    await database.admin('call partywall.install_schema($1, $2)', [acme.schema, acme.id])
    expect(loud(await look('static'))).toEqual([])
  })

  it('is reported with a schema that was dropped and created again', async () => {
    const gone = await createPlacedTenant(database)
    await database.admin(`drop schema ${gone.schema} cascade; create schema ${gone.schema} authorization app_owner`)
    const report = await look('static')
    expect(report.findings.map(({ key }) => key)).toContain(`schema-map-stale:schema ${gone.schema}`)
    await database.admin(`drop schema ${gone.schema}`)
  })

  it('is not proved if a function of the seal is not partywall’s', async () => {
    const { rows } = await database.admin(
      "select pg_get_functiondef('partywall.placed_mark()'::regprocedure) as before",
    )
    await database.admin(
      "create or replace function partywall.placed_mark() returns text language sql stable as 'select encode(sha256(convert_to(current_setting(''app.current_tenant_id'', true), ''UTF8'')), ''hex'')'",
    )
    const report = await look('static')
    expect(report.findings.map(({ key }) => key)).toContain(`schema-table-unwalled:${acme.schema}.documents:seal`)
    await database.admin(rows[0].before)
    expect(loud(await look('static'))).toEqual([])
  })
})

it('the pool’s own check accepts schemas beside shared tables', async () => {
  const pool = createTenantPool({
    connectionString: database.appUrl,
    max: 1,
    seal: { secret: database.sealSecret },
    roles: {},
    logger: silentLogger,
  })
  try {
    expect((await pool.checkDatabase()).filter(({ severity }) => severity === 'error')).toEqual([])
  } finally {
    await pool.end()
  }
})

it.each([
  ['a table of tenants', 'create table common.orders (tenant_id uuid, id int)', 'lookup-holds-tenants'],
  ['a table with the name of a tenant’s table', 'create table common.documents (id int)', 'lookup-shares-name'],
  ['nothing of the kind', 'create table common.countries (code text)', undefined],
])('the pool’s own check looks at lookup schemas: %s', async (_, sql, id) => {
  await database.admin(`create schema common; ${sql}; alter schema common owner to app_owner`)
  const pool = createTenantPool({
    connectionString: database.appUrl,
    max: 1,
    seal: { secret: database.sealSecret },
    roles: {},
    lookupSchemas: ['common'],
    logger: silentLogger,
  })
  try {
    const found = (await pool.checkDatabase()).filter((finding) => finding.id.startsWith('lookup-'))
    expect(found.map((finding) => finding.id)).toEqual(id === undefined ? [] : [id])
  } finally {
    await pool.end()
    await database.admin('drop schema common cascade')
  }
})
