import { beforeAll, describe, expect, it } from 'vitest'
import { planFor } from '../../cli/protect/protect-plan.ts'
import { tenantSchemaScript } from '../../src/protect/tenant-schemas.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'
import { exampleSchemaSql } from '../setup/tenant-schemas.ts'

let database: TestDatabase
const tenants = new Map([
  ['tenant_a', '00000000-0000-4000-8000-00000000000a'],
  ['tenant_b', '00000000-0000-4000-8000-00000000000b'],
])

beforeAll(async () => {
  database = await createTestDatabase()
  for (const name of ['model', 'tenant_a', 'tenant_b', 'other']) await database.admin(exampleSchemaSql(name))
  await database.admin('drop table other.documents; create schema tenant_empty')
  await database.admin(
    `create table public.places (schema_name text, tenant uuid); insert into public.places values ('tenant_a', '${tenants.get('tenant_a')}')`,
  )
})

const db = () => ({ query: (text: string) => database.admin(text) as never })

describe('protect --tenant-schemas', () => {
  it('writes a call for each schema that fits, which protects it when it is run', async () => {
    const { sql, undecided } = await tenantSchemaScript(db(), { patterns: ['tenant_*'], tenants })
    expect(undecided).toEqual(['tenant_empty'])
    await database.admin(sql)
    const { rows } = await database.admin('select schema_name, tenant_id from partywall.schemas order by 1')
    expect(rows).toEqual([...tenants].map(([schema_name, tenant_id]) => ({ schema_name, tenant_id })))
  })

  it('finds the schemas that have the tables of a template', async () => {
    const { sql, schemas } = await tenantSchemaScript(db(), { template: 'model', tenants })
    expect(schemas).toBe(2)
    expect(sql).not.toContain('other')
  })

  it('takes the tenant from a table, and never from the name', async () => {
    const { sql, undecided } = await tenantSchemaScript(db(), {
      patterns: ['tenant_?', 'tenant_a', 'tenant_b'],
      tenantTable: 'public.places(schema_name, tenant)',
    })
    expect(undecided).toEqual(['tenant_b'])
    expect(sql).toContain(`CALL partywall.install_schema('tenant_a', '${tenants.get('tenant_a')}');`)
    expect(sql).toContain(
      "-- TO DECIDE: which tenant does the schema belong to? CALL partywall.install_schema('tenant_b'",
    )
  })

  it.each([
    { patterns: ['nothing_*'] },
    { template: 'nothing' },
    { patterns: ['tenant_*'], tenantTable: 'public.places; drop table public.places' },
    {
      patterns: ['tenant_*'],
      tenants: new Map([
        ['tenant_a', 'x'],
        ['tenant_b', 'x'],
      ]),
    },
  ])('refuses %j', async (options) => {
    await expect(tenantSchemaScript(db(), options)).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
  })
})

describe('protect without --tenant-schemas', () => {
  const plan = (options: object = {}) =>
    planFor({ databaseUrl: database.adminUrl, appRole: 'app', seal: true, ...options })

  it('leaves a registered schema alone, and names the option that protects it', async () => {
    const registered = await createTestDatabase()
    await registered.admin(exampleSchemaSql('tenant_alone'))
    await registered.admin(`call partywall.install_schema('tenant_alone', '${tenants.get('tenant_a')}')`)
    // A table of the shared kind that lacks all protection is still found.
    await registered.admin(
      'create table public.bare (tenant_id uuid not null, id int); alter table public.bare owner to app_owner',
    )
    const made = await plan({ databaseUrl: registered.adminUrl })
    const objects = [...made.changes, ...made.decisions].map(({ object }) => object)
    expect(objects).toContain('public.bare')
    expect(JSON.stringify(made.changes)).not.toContain('tenant_alone')
    expect(objects.filter((object) => object.includes('tenant_alone'))).toEqual([])
    expect(made.notes.join()).toMatch(/tenant_alone.*--tenant-schemas/)
    for (const named of [{ schema: ['tenant_alone'] }, { tables: ['tenant_alone.documents'] }])
      await expect(plan({ databaseUrl: registered.adminUrl, ...named })).rejects.toMatchObject({
        code: 'PARTYWALL_CONFIGURATION',
      })
    await registered.admin(
      'drop table public.bare, public.documents, public.projects, public.users, public.tenants cascade',
    )
    await expect(plan({ databaseUrl: registered.adminUrl })).rejects.toThrow('--tenant-schemas')
  })

  it('takes a schema that is not registered for one of shared tables, as before', async () => {
    const made = await plan({ schema: ['other'] })
    expect(made.changes.some(({ object }) => object === 'other.users')).toBe(true)
  })
})
