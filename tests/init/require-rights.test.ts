import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { requireRights } from '../../src/init/plan/require-rights.ts'
import { migrate } from '../../src/migrate/migrate.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'

// Partywall's roles are on the server already, as after partywall init for another database.
let database: TestDatabase
let owner: string
let client: pg.Client
let url: string

beforeEach(async () => {
  database = await createTestDatabase({ migrated: false })
  owner = `owner_${randomBytes(4).toString('hex')}`
  await database.admin(
    `create role ${owner} login createrole password 'x'; alter database ${database.name} owner to ${owner}`,
  )
  const own = new URL(database.adminUrl)
  own.username = owner
  own.password = 'x'
  url = own.href
  client = new pg.Client({ connectionString: url })
  await client.connect()
})
afterEach(async () => {
  await client.end()
  await database.admin(`reassign owned by ${owner} to current_user; drop owned by ${owner}; drop role ${owner}`)
})

const modern = () => inject('postgres').versionNumber >= 160_000

it('names grants after which the owner can migrate, and no policy for tenants applies to the owner', async () => {
  if (modern()) {
    const problem = await requireRights(client).catch((error: unknown) => error)
    const missing: unknown = Reflect.get(Object(Reflect.get(Object(problem), 'details')), 'missing')
    expect(missing).toEqual([expect.stringMatching(/^GRANT .* TO "owner_\w+" WITH ADMIN OPTION, INHERIT FALSE;$/)])
    await database.admin(String(missing))
  }
  await requireRights(client)
  await migrate({ databaseUrl: url, sealSecret: 'ab'.repeat(32) })
  await client.query(
    `create role ${owner}_app login; grant tenant_user, tenant_admin to ${owner}_app; drop role ${owner}_app`,
  )
  const { rows } = await client.query(
    `select rolname from pg_roles where rolname in ('tenant_user', 'tenant_admin', 'partywall_cross') and pg_has_role(current_user, oid, 'USAGE')`,
  )
  expect(rows).toEqual([])
})
