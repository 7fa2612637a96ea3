import { beforeAll, describe, expect, it } from 'vitest'
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
