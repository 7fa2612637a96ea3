import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { refuseFindings } from '../../src/database/check/check-database.ts'
import { createTenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})

async function findings(connectionString: string, secret = database.sealSecret) {
  const pool = createTenantPool({ connectionString, seal: { secret }, roles: {}, logger: silentLogger })
  try {
    return await pool.checkDatabase()
  } finally {
    await pool.end()
  }
}

const ids = async (url?: string, secret?: string) =>
  [...new Set((await findings(url ?? database.appUrl, secret)).map((finding) => finding.id))].sort()

describe('checkDatabase', () => {
  it('finds nothing on the migrated example', async () => {
    expect(await findings(database.appUrl)).toEqual([])
  })

  it('refuses a superuser, and says all that is wrong at once', async () => {
    const found = await findings(database.adminUrl)
    expect(found.map((finding) => finding.id)).toContain('role-superuser')
    expect(() => refuseFindings(found)).toThrow(expect.objectContaining({ code: 'PARTYWALL_CONFIGURATION' }))
  })

  it('refuses a database whose encoding counts bytes where the seal counts characters', async () => {
    const name = `${database.name}_ascii`
    await database.admin(
      `create database ${name} template template0 encoding 'SQL_ASCII' locale_provider libc lc_collate 'C' lc_ctype 'C'`,
    )
    try {
      expect(await ids(database.appUrl.replace(database.name, name))).toContain('database-encoding')
    } finally {
      // pg-pool says "ended" before its sockets are closed; by force the last words of the server would find nobody.
      const sessions = () => database.admin('select pid from pg_stat_activity where datname = $1', [name])
      await expect.poll(async () => (await sessions()).rows, { timeout: 10_000 }).toEqual([])
      await database.admin(`drop database ${name}`)
    }
  })

  it('refuses a secret whose key the database does not know', async () => {
    expect(await ids(undefined, 'another secret of more than 32 characters')).toEqual(['seal-refused'])
  })

  it.each([
    ['grant-temporary', 'grant temporary on database :db to app', 'revoke temporary on database :db from app'],
    ['grant-create', 'grant create on schema public to tenant_user', 'revoke create on schema public from tenant_user'],
    [
      'table-without-rls',
      'alter table documents disable row level security',
      'alter table documents enable row level security',
    ],
    [
      'table-not-forced',
      'alter table documents no force row level security',
      'alter table documents force row level security',
    ],
    [
      'policy-unsealed',
      'alter policy tenant_seal_policy on documents to tenant_user',
      'alter policy tenant_seal_policy on documents to tenant_user, tenant_admin',
    ],
    ['grant-truncate', 'grant truncate on documents to tenant_admin', 'revoke truncate on documents from tenant_admin'],
    [
      'role-setting',
      "alter role tenant_user in database :db set row_security = 'off'",
      'alter role tenant_user in database :db reset row_security',
    ],
    ['role-owner', 'create table owned (); alter table owned owner to app', 'drop table owned'],
  ])('finds %s, and is silent when it is mended', async (id, breaking, mending) => {
    const sql = (text: string) => text.replaceAll(':db', database.name)
    for (const statement of sql(breaking).split(';')) await database.admin(statement)
    try {
      expect(await ids()).toContain(id)
    } finally {
      await database.admin(sql(mending))
    }
    expect(await ids()).toEqual([])
  })

  it('names a pending migration', async () => {
    await database.admin("update partywall.migrations set name = 'x' where name = '0002_crossings.sql'")
    expect(await ids()).toEqual(['migration-pending'])
    await database.admin("update partywall.migrations set name = '0002_crossings.sql' where name = 'x'")
  })

  it('refuses a login that can become a role which does more', async () => {
    // A login of its own: roles belong to the whole server, on which other files test too.
    const login = `login_${randomBytes(4).toString('hex')}`
    await database.admin(`create role ${login} login noinherit password 'x'`)
    await database.admin(`create role ${login}_more bypassrls`)
    afterFile(async () => {
      await database.admin(`drop role ${login}_more`)
      await database.admin(`drop role ${login}`)
    })
    await database.admin(`grant tenant_user, ${login}_more to ${login}`)
    const url = new URL(database.appUrl)
    url.username = login
    url.password = 'x'
    const pool = createTenantPool({ connectionString: url.href, seal: false, roles: {}, logger: silentLogger })
    expect((await pool.checkDatabase()).map((finding) => finding.object)).toEqual([`${login}_more`])
    await pool.end()
  })
})
