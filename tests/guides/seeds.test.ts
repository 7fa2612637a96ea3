import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import type { Partywall } from '../../src/partywall.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'
import { createTestWall } from '../setup/wall.ts'
import { seed } from './seeds.ts'

const ACME = '00000000-0000-4000-8000-00000000000a'
const GLOBEX = '00000000-0000-4000-8000-00000000000b'

describe('the guide to seeds and fixtures', () => {
  let database: TestDatabase
  let wall: Partywall
  let owner: pg.Pool
  let sql: string

  beforeAll(async () => {
    database = await createTestDatabase()
    ;({ wall } = await createTestWall(database))
    await database.admin('alter table tenants owner to app_owner')
    owner = new pg.Pool({ connectionString: database.adminUrl, options: '-c role=app_owner', max: 1 })
    afterFile(() => owner.end())
    sql = await readFile(join(packageRoot(), 'tests', 'guides', 'seeds.sql'), 'utf8')
    for (let run = 0; run < 2; run++) await owner.query(sql) // a seed may run twice
  })

  it('plants two tenants as the owner of the tables', async () => {
    const { rows } = await database.admin(
      'select t.key, u.email from tenants t join users u on u.tenant_id = t.id order by 1',
    )
    expect(rows).toEqual([
      { key: 'acme', email: 'ann@acme.example' },
      { key: 'globex', email: 'ann@globex.example' },
    ])
  })

  it('refuses a seed of the owner that names no tenant', async () => {
    const forgot = sql
      .replaceAll(/SELECT set_config.*\n/g, '')
      .replaceAll('acme', 'third')
      .replaceAll(ACME, ACME.replace(/a$/, 'c'))
    await expect(owner.query(forgot)).rejects.toMatchObject({ code: '42501' })
    await owner.query('rollback')
    const insert = "insert into users (email, name) values ('x', 'x')"
    await expect(owner.query(insert)).rejects.toMatchObject({ code: '42501' })
  })

  it('refuses the setting outside of a transaction, and a superuser who names no tenant', async () => {
    await owner.query(`select set_config('app.current_tenant_id', '${ACME}', true)`)
    const insert = "insert into users (email, name) values ('x', 'x')"
    await expect(owner.query(insert)).rejects.toMatchObject({ code: '42501' })
    await expect(database.admin(insert)).rejects.toMatchObject({ code: '23502' })
  })

  it('plants the same rows for both tenants through the application', async () => {
    await seed(wall, [ACME, GLOBEX], 50)
    const { rows } = await database.admin(
      'select tenant_id, count(*)::int as n, min(title) as title from documents group by 1 order by 1',
    )
    expect(rows).toEqual([
      { tenant_id: ACME, n: 50, title: 'Document 0' },
      { tenant_id: GLOBEX, n: 50, title: 'Document 0' },
    ])
  })

  it('reports a tenant for which it failed', async () => {
    await expect(seed(wall, [ACME], 2 ** 33)).rejects.toThrow(RangeError)
    await expect(seed(wall, [ACME.replace(/a$/, 'd')])).rejects.toThrow('unknown or not active')
  })
})
