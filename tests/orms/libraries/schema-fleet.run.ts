// Knex and TypeORM on one pool with a mixed fleet: two tenants in shared tables, two in a schema of their own.
import Knex from 'knex'
import { DataSource, EntitySchema, type ObjectLiteral } from 'typeorm'
import { beforeAll, describe, expect, it } from 'vitest'
import { getCurrentTenant, runWithoutTenant, runWithTenant } from '../../../src/context/run-with-tenant.ts'
import type { Partywall } from '../../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../../setup/database.ts'
import { contextOf, createPlacedTenant } from '../../setup/tenant-schemas.ts'
import { createTestWall } from '../../setup/wall.ts'

/** The requests of one library; each returns the tenant ids of the rows that it saw. */
interface Library {
  /** Writes a document with this title in a transaction of the library. */
  write(title: string): Promise<readonly string[]>
  read(title: string): Promise<readonly string[]>
  readAll(): Promise<readonly string[]>
  close(): Promise<void>
}

const ids = (rows: readonly { readonly tenant_id?: unknown }[]) => rows.map((row) => String(row.tenant_id))

let database: TestDatabase
let wall: Partywall
let fleet: readonly TestTenant[]

beforeAll(async () => {
  database = await createTestDatabase()
  ;({ wall } = await createTestWall(database))
  fleet = [
    await createTestTenant(database),
    await createPlacedTenant(database),
    await createTestTenant(database),
    await createPlacedTenant(database),
  ]
})

async function knexLibrary(): Promise<Library> {
  const db = Knex(wall.drivers.knex())
  return {
    write: (title) =>
      db.transaction(async (inside) => {
        const { tenantId } = getCurrentTenant()
        return ids(await inside('documents').insert({ title, tenant_id: tenantId }).returning('tenant_id'))
      }),
    read: async (title) => ids(await db('documents').select('tenant_id').where({ title })),
    readAll: async () => ids(await db('documents').select('tenant_id')),
    close: () => db.destroy(),
  }
}

async function typeOrmLibrary(): Promise<Library> {
  const Document = new EntitySchema<ObjectLiteral>({
    name: 'documents',
    columns: {
      id: { type: 'uuid', primary: true, generated: 'uuid' },
      tenant_id: { type: 'uuid' },
      title: { type: 'text' },
    },
  })
  const source = new DataSource({ ...wall.drivers.typeorm(), entities: [Document] })
  await runWithoutTenant(() => source.initialize())
  const documents = source.getRepository(Document)
  return {
    write: (title) =>
      source.transaction(async (inside) => {
        const { tenantId } = getCurrentTenant()
        return ids([await inside.getRepository(Document).save({ title, tenant_id: tenantId })])
      }),
    read: async (title) => ids(await documents.findBy({ title })),
    readAll: async () => ids(await documents.find()),
    close: () => source.destroy(),
  }
}

describe.each([
  { name: 'Knex', make: knexLibrary },
  { name: 'TypeORM', make: typeOrmLibrary },
])('$name', ({ name, make }) => {
  it('answers 400 interleaved requests of a mixed fleet, none with a row of another tenant or from another place', async () => {
    const library = await make()
    let wrong = 0
    const request = async (place: number) => {
      const tenant = fleet[place % fleet.length]
      if (tenant === undefined) throw new Error('no tenant')
      const title = `${name} ${place}`
      await runWithTenant(contextOf(tenant, ['owner']), async () => {
        const seen = [await library.write(title), await library.read(title), await library.readAll()]
        if (seen.some((rows) => rows.length === 0 || rows.some((id) => id !== tenant.id))) wrong++
        if (seen[1]?.length !== 1) wrong++
      })
    }
    for (let start = 0; start < 400; start += 40)
      await Promise.all(Array.from({ length: 40 }, (_, place) => request(start + place)))
    await library.close()
    expect(wrong).toBe(0)
    for (const tenant of fleet) {
      const place = contextOf(tenant).placement?.schema ?? 'public'
      const { rows } = await database.admin(
        `select count(*)::int as n from ${place}.documents where title like $1 and tenant_id = $2`,
        [`${name} %`, tenant.id],
      )
      expect(rows).toEqual([{ n: 100 }])
    }
  })
})
