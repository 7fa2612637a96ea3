import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { Partywall } from '../../src/partywall.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { dropRoles } from '../setup/drop-roles.ts'
import { createTestWall } from '../setup/wall.ts'
import { findingsOf } from './open-guide.ts'

const suffix = randomBytes(4).toString('hex')

describe('the guide to several applications on one server', () => {
  let shop: TestDatabase
  let crm: TestDatabase
  let wall: Partywall
  let a: TestTenant
  const urlOf = (role: string, database: TestDatabase) => {
    const url = new URL(database.appUrl)
    url.username = `${role}_${suffix}`
    url.password = 'change me'
    return url.href
  }

  beforeAll(async () => {
    shop = await createTestDatabase()
    crm = await createTestDatabase()
    const page = await readFile(join(packageRoot(), 'tests', 'guides', 'several-apps.sql'), 'utf8')
    const sql = page
      .replaceAll(/(shop|crm)_app/g, `$1_app_${suffix}`)
      .replaceAll('DATABASE shop', `DATABASE ${shop.name}`)
      .replaceAll('DATABASE crm', `DATABASE ${crm.name}`)
    await shop.admin(sql)
    afterFile(() => dropRoles([shop, crm], [`shop_app_${suffix}`, `crm_app_${suffix}`]))
    ;({ wall } = await createTestWall(shop, { database: { url: urlOf('shop_app', shop) } }))
    a = await createTestTenant(shop)
  })

  it('lets the application work in its own database', async () => {
    const read = () => wall.pool.query('select id from documents')
    const { rows } = await runWithTenant({ tenantId: a.id, userId: a.userId, roles: [] }, read)
    expect(rows).toEqual([{ id: a.documentId }])
  })

  it('does not let the login of one application into the database of the other', async () => {
    for (const [role, database] of [
      ['crm_app', shop],
      ['shop_app', crm],
    ] as const) {
      const client = new pg.Client({ connectionString: urlOf(role, database) })
      await expect(client.connect()).rejects.toMatchObject({ code: '42501' })
    }
  })

  it('shares the role tenant_user between the databases, so CONNECT is what keeps them apart', async () => {
    await shop.admin(`grant connect on database ${shop.name} to crm_app_${suffix}`)
    const client = new pg.Client({ connectionString: urlOf('crm_app', shop) })
    await client.connect()
    await client.query('set role tenant_user')
    const { rows } = await client.query("select has_table_privilege('documents', 'select') as may")
    expect(rows).toEqual([{ may: true }])
    expect((await client.query('select id from documents')).rows).toEqual([]) // the policies and the seal still hide the rows
    await client.end()
    await shop.admin(`revoke connect on database ${shop.name} from crm_app_${suffix}`)
  })

  it('adds no finding of verify', async () => {
    expect(await findingsOf(shop, `shop_app_${suffix}`)).toEqual([])
  })

  it('does not accept a seal of another secret', async () => {
    const { wall: other } = await createTestWall(shop, { seal: { secret: randomBytes(32).toString('hex') } })
    const read = () => other.pool.query('select id from documents')
    const rows = await runWithTenant({ tenantId: a.id, userId: a.userId, roles: [] }, read).then(
      (result) => result.rows,
      () => [],
    )
    expect(rows).toEqual([])
  })
})
