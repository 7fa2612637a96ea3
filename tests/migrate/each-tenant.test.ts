import { beforeAll, describe, expect, it } from 'vitest'
import { eachTenant, environmentFor } from '../../src/migrate/each-tenant.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'
import { createPlacedTenant, type PlacedTenant } from '../setup/tenant-schemas.ts'

let database: TestDatabase
let fleet: readonly PlacedTenant[]

beforeAll(async () => {
  database = await createTestDatabase()
  fleet = [await createPlacedTenant(database), await createPlacedTenant(database), await createPlacedTenant(database)]
})

/** A migration in the words of pg, as a tool that reads DATABASE_URL would run it. */
const command = (sql: string) =>
  `node -e "const pg = require('pg'); const c = new pg.Client(process.env.DATABASE_URL); c.connect().then(() => c.query(process.env.STATEMENT)).then(() => c.end(), (e) => { console.error(e.message); process.exit(1) })" # ${sql.length}`
const run = (statement: string, more: { key?: string; concurrency?: number } = {}) =>
  eachTenant({
    databaseUrl: database.adminUrl,
    command: command(statement),
    environment: { ...process.env, STATEMENT: statement },
    onProgress: () => {},
    ...more,
  })

describe('each-tenant', () => {
  it('runs the command in each schema, protects what it created, and skips what is done', async () => {
    const statement = 'create table notes (id int primary key); alter table notes owner to app_owner'
    const first = await run(statement, { key: 'one', concurrency: 2 })
    expect(first.failed.map((f) => f.reason)).toEqual([])
    expect([...first.done].sort()).toEqual(fleet.map(({ schema }) => schema).sort())
    expect(first.different).toEqual([])
    const { rows } = await database.admin(
      "select count(*)::int as n from pg_policy p join pg_class c on c.oid = p.polrelid where c.relname = 'notes' and p.polname = 'tenant_seal_policy'",
    )
    expect(rows).toEqual([{ n: 3 }])
    expect(await run(statement, { key: 'one' })).toMatchObject({ done: [], before: 3, failed: [] })
  })

  it('goes on with the schemas that failed, and names those that differ', async () => {
    const [broken] = fleet
    if (broken === undefined) throw new Error('no tenant')
    await database.admin(`alter table ${broken.schema}.documents rename to documents_gone`)
    const statement = 'alter table documents add column more int'
    const first = await run(statement, { key: 'two' })
    expect(first.failed.map(({ schema }) => schema)).toEqual([broken.schema])
    expect(first.different).toEqual([broken.schema])
    await database.admin(`alter table ${broken.schema}.documents_gone rename to documents`)
    expect(await run(statement, { key: 'two' })).toMatchObject({
      done: [broken.schema],
      before: 2,
      failed: [],
      different: [],
    })
  })

  it('lets the owner see the rows of this tenant alone, so that a backfill can touch no neighbour', async () => {
    const statement =
      "set role app_owner; update documents set title = 'backfilled'; insert into documents (title) values ('made')"
    const result = await run(statement, { key: 'three' })
    expect(result.failed).toEqual([])
    for (const { schema, id } of fleet) {
      const { rows } = await database.admin(`select distinct tenant_id from ${schema}.documents`)
      expect(rows).toEqual([{ tenant_id: id }])
    }
  })

  it('escapes a tenant whose id has blanks or quotes', () => {
    const env = environmentFor({ schema: 'tenant_a', tenant: "a b\\c' -c x=y" }, { databaseUrl: 'postgres://u@h/d' })
    expect(env['PGOPTIONS']).toBe(
      "-c search_path=tenant_a -c app.current_tenant_id=a\\ b\\\\c'\\ -c\\ x=y -c lock_timeout=10s",
    )
  })
})
