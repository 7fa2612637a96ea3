import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { migrate, pendingMigrations } from '../../src/migrate/migrate.ts'
import { createTestDatabase, createTestTenant } from '../setup/database.ts'

describe('migrate', () => {
  it('applies each file once, also when two start at the same time', async () => {
    const database = await createTestDatabase({ migrated: false })
    const sealSecret = randomBytes(32).toString('hex')
    const runs = await Promise.all([1, 2].map(() => migrate({ databaseUrl: database.adminUrl, sealSecret })))
    expect(runs.flatMap((run) => run.applied).sort()).toEqual([
      '0001_seal.sql',
      '0002_crossings.sql',
      '0003_directory.sql',
      '0004_directory_context.sql',
      '0010_audit.sql',
      '0011_alerts.sql',
      '0012_known_protection.sql',
      '0013_alert_bounds.sql',
      '0014_audit_bounds.sql',
      '0015_directory_keys.sql',
      '0016_tickets.sql',
      '0017_cheaper_events.sql',
      '0018_schemas.sql',
      '0019_revocations.sql',
      '0020_tickets_of_many_tenants.sql',
      '0021_ended_moves.sql',
      '0022_passing_roles.sql',
    ])
    expect(runs.filter((run) => run.keyAdded)).toHaveLength(1)
    const again = await migrate({ databaseUrl: database.adminUrl, sealSecret })
    expect(again).toEqual({ applied: [], keyAdded: false })
  })

  it('keeps the newest two keys', async () => {
    const database = await createTestDatabase({ migrated: false })
    for (let round = 0; round < 3; round++) {
      await migrate({ databaseUrl: database.adminUrl, sealSecret: randomBytes(32).toString('hex'), rotate: true })
    }
    const { rows } = await database.admin('select count(*)::int as keys from partywall.seal_keys')
    expect(rows).toEqual([{ keys: 2 }])
  })

  it('refuses a secret that the database does not know, and changes nothing, unless it is told to rotate', async () => {
    const database = await createTestDatabase({ migrated: false })
    const [known, mistyped] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')]
    await migrate({ databaseUrl: database.adminUrl, sealSecret: known })
    const pending = await database.admin(
      "delete from partywall.migrations where name = '0014_audit_bounds.sql' returning checksum",
    )
    const state = () =>
      database.admin('select key_id from partywall.seal_keys union all select name from partywall.migrations')
    const before = (await state()).rows
    await expect(migrate({ databaseUrl: database.adminUrl, sealSecret: mistyped })).rejects.toMatchObject({
      code: 'PARTYWALL_CONFIGURATION',
      message: expect.stringContaining('--rotate'),
    })
    expect((await state()).rows).toEqual(before)
    await database.admin('insert into partywall.migrations (name, checksum) values ($1, $2)', [
      '0014_audit_bounds.sql',
      pending.rows[0]?.checksum,
    ])
    const rotated = await migrate({ databaseUrl: database.adminUrl, sealSecret: mistyped, rotate: true })
    expect(rotated.keyAdded).toBe(true)
    // The secret before the rotation is still one that the database knows.
    expect((await migrate({ databaseUrl: database.adminUrl, sealSecret: known })).keyAdded).toBe(false)
  })

  it('adds one key when two secrets arrive at the same time', async () => {
    const database = await createTestDatabase({ migrated: false })
    await migrate({ databaseUrl: database.adminUrl })
    const runs = await Promise.allSettled(
      [1, 2].map(() => migrate({ databaseUrl: database.adminUrl, sealSecret: randomBytes(32).toString('hex') })),
    )
    expect(runs.filter((run) => run.status === 'fulfilled')).toHaveLength(1)
    const { rows } = await database.admin('select count(*)::int as keys from partywall.seal_keys')
    expect(rows).toEqual([{ keys: 1 }])
  })

  it('refuses a file that was changed after it was applied, and says which files are pending', async () => {
    const database = await createTestDatabase({ migrated: false })
    const client = new pg.Client({ connectionString: database.adminUrl })
    await client.connect()
    expect(await pendingMigrations(client)).toContain('0001_seal.sql')
    await migrate({ databaseUrl: database.adminUrl })
    expect(await pendingMigrations(client)).toEqual([])
    await client.end()
    await database.admin("update partywall.migrations set checksum = 'other' where name = '0002_crossings.sql'")
    await expect(migrate({ databaseUrl: database.adminUrl })).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
  })

  it('works as a role that is no superuser', async () => {
    const database = await createTestDatabase({ migrated: false })
    const role = `migrator_${randomBytes(4).toString('hex')}`
    await database.admin(`create role ${role} login createrole password 'x'`)
    await database.admin(`alter database ${database.name} owner to ${role}`)
    await database.admin(`grant partywall_owner to ${role}`)
    const url = new URL(database.adminUrl)
    url.username = role
    url.password = 'x'
    const run = await migrate({ databaseUrl: url.href, sealSecret: randomBytes(32).toString('hex') })
    expect(run.keyAdded).toBe(true)
  })
})

describe('the example schema', () => {
  it('shows a login without a seal nothing', async () => {
    const database = await createTestDatabase()
    const tenant = await createTestTenant(database)
    const client = new pg.Client({ connectionString: database.appUrl })
    await client.connect()
    const read = async (role: string) => {
      await client.query(`begin; set local role ${role}; set local app.current_tenant_id = '${tenant.id}'`)
      const { rows } = await client.query('select count(*)::int as n from documents')
      await client.query('rollback')
      return rows[0]
    }
    expect(await read('tenant_user')).toEqual({ n: 0 })
    await expect(client.query('select * from documents')).rejects.toMatchObject({ code: '42501' })
    await client.query('begin; set local role tenant_user')
    await expect(client.query('select * from partywall.tenant_by_key($1)', [tenant.key])).rejects.toMatchObject({
      code: '42501',
    })
    await client.end()
  })
})
