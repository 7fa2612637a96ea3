// The result caches of TypeORM and MikroORM, a shared DataLoader, and tenantCache() on Keyv and lru-cache.
import { MikroORM, EntitySchema as MikroSchema } from '@mikro-orm/postgresql'
import DataLoader from 'dataloader'
import Keyv from 'keyv'
import { LRUCache } from 'lru-cache'
import { DataSource, EntitySchema, type ObjectLiteral } from 'typeorm'
import { beforeAll, describe, expect, it } from 'vitest'
import { mikroCache } from '../../../src/cache/hooks/mikro.ts'
import { typeormCache } from '../../../src/cache/hooks/typeorm.ts'
import { perContext } from '../../../src/cache/per-context.ts'
import { memoryStore } from '../../../src/cache/store.ts'
import { runWithoutTenant, runWithTenant } from '../../../src/context/run-with-tenant.ts'
import type { Partywall } from '../../../src/partywall.ts'
import { attackSharedCache } from '../../security/shared-cache/attacks.ts'
import { createTestDatabase, createTestTenant, type TestTenant } from '../../setup/database.ts'
import { createTestWall } from '../../setup/wall.ts'

let wall: Partywall
let a: TestTenant
let b: TestTenant
const warnings: string[] = []
const as = <T>(tenant: TestTenant, fn: () => Promise<T>) =>
  runWithTenant({ tenantId: tenant.id, userId: tenant.userId, roles: ['owner'] }, fn)

beforeAll(async () => {
  const database = await createTestDatabase()
  const silent = () => {}
  const logger = {
    debug: silent,
    info: silent,
    warn: (_: object, text: string) => void warnings.push(text),
    error: silent,
  }
  ;({ wall } = await createTestWall(database, { logger }))
  a = await createTestTenant(database)
  b = await createTestTenant(database)
})

/** The tenants that A and then B read. */
async function readBoth(read: () => Promise<{ tenant_id?: unknown }[]>): Promise<unknown[]> {
  const first = await as(a, read)
  const second = await as(b, read)
  return [first[0]?.tenant_id, second[0]?.tenant_id]
}

describe('TypeORM with a result cache', () => {
  const Document = new EntitySchema<ObjectLiteral>({
    name: 'documents',
    columns: { id: { type: 'uuid', primary: true }, tenant_id: { type: 'uuid' }, title: { type: 'text' } },
  })
  const open = async (cache: object) => {
    const source = new DataSource(wall.drivers.typeorm({ entities: [Document], cache: cache as never }))
    await runWithoutTenant(() => source.initialize())
    return source
  }
  /** A cache as TypeORM's own are: by identifier or SQL. */
  const careless = () => {
    const kept = new Map<string, object>()
    return {
      provider: () => ({
        connect: async () => {},
        disconnect: async () => {},
        synchronize: async () => {},
        clear: async () => {},
        remove: async () => {},
        isExpired: () => false,
        getFromCache: async (options: { query?: string }) => kept.get(String(options.query)),
        storeInCache: async (options: { query?: string }) => void kept.set(String(options.query), options),
      }),
    }
  }

  it('crosses tenants by its own key, and wall.drivers warns', async () => {
    const source = await open(careless())
    warnings.length = 0
    const other = new DataSource(wall.drivers.typeorm({ entities: [Document], cache: true }))
    expect(other.isInitialized).toBe(false)
    expect(warnings.join()).toContain('typeormCache')
    expect(await readBoth(() => source.getRepository(Document).find({ cache: true }))).toEqual([a.id, a.id])
    await source.destroy()
  })

  it('crosses nothing with typeormCache(), without a warning', async () => {
    warnings.length = 0
    const source = await open(typeormCache(wall.tenantCache(memoryStore())))
    const read = () => source.getRepository(Document).find({ cache: true })
    expect(await readBoth(read)).toEqual([a.id, b.id])
    await as(a, () => wall.pool.query("update documents set title = 'changed behind TypeORM'"))
    expect((await as(a, read))[0]?.['title']).toBe('First document')
    expect(
      await readBoth(() => source.getRepository(Document).find({ cache: { id: 'named', milliseconds: 60_000 } })),
    ).toEqual([a.id, b.id])
    // An identifier that two queries share by mistake.
    const other = () =>
      source.getRepository(Document).find({ where: { title: 'none' }, cache: { id: 'named', milliseconds: 60_000 } })
    expect(await as(a, other)).toEqual([])
    expect(warnings).toEqual([])
    await source.destroy()
  })
})

describe('MikroORM with a result cache', () => {
  interface Row {
    id: string
    tenant_id: string
    title: string
  }
  const Document = new MikroSchema<Row>({
    name: 'Document',
    tableName: 'documents',
    properties: { id: { type: 'uuid', primary: true }, tenant_id: { type: 'uuid' }, title: { type: 'text' } },
  })

  it('crosses tenants with MikroORM’s own adapter: the leak is real', async () => {
    const { resultCache: _own, ...options } = wall.drivers.mikro()
    const orm = await MikroORM.init({ ...options, entities: [Document] })
    expect(await readBoth(() => orm.em.fork().find(Document, {}, { cache: ['all', 60_000] }))).toEqual([a.id, a.id])
    await orm.close(true)
  })

  it('crosses tenants with one EntityManager for all requests, and not with a fork for each', async () => {
    const orm = await MikroORM.init({ ...wall.drivers.mikro(), entities: [Document], allowGlobalContext: true })
    const find = (id: string) => () => orm.em.findOne(Document, { id })
    await as(a, find(a.documentId))
    // Its identity map answers without a query.
    expect(await as(b, find(a.documentId))).toMatchObject({ tenant_id: a.id })
    const em = perContext(() => orm.em.fork())
    await as(a, () => em().findOne(Document, { id: a.documentId }))
    expect(await as(b, () => em().findOne(Document, { id: a.documentId }))).toBeNull()
    await orm.close(true)
  })

  it('crosses nothing with the adapter that wall.drivers.mikro() gives, nor with mikroCache() on another store', async () => {
    for (const more of [{}, { resultCache: mikroCache(wall.tenantCache(new Keyv())) }]) {
      const orm = await MikroORM.init({ ...wall.drivers.mikro(), entities: [Document], ...more })
      const read = () => orm.em.fork().find(Document, {}, { cache: ['all', 60_000] })
      expect(await readBoth(read)).toEqual([a.id, b.id])
      const before = (await as(a, read))[0]?.title
      await as(a, () => wall.pool.query("update documents set title = title || '!'"))
      expect((await as(a, read))[0]?.title).toBe(before)
      await orm.close(true)
    }
  })
})

describe('a DataLoader', () => {
  const load = async (ids: readonly string[]) => {
    const { rows } = await wall.pool.query('select id, tenant_id from documents where id = any($1)', [ids])
    return ids.map((id) => rows.find((row) => row.id === id) ?? null)
  }

  it('crosses tenants if requests share it: the leak is real', async () => {
    const shared = new DataLoader(load)
    const [, foreign] = await Promise.all([
      as(a, () => shared.load(a.documentId)),
      as(b, () => shared.load(a.documentId)),
    ])
    expect(foreign).toMatchObject({ tenant_id: a.id })
  })

  it('crosses nothing with perContext()', async () => {
    const loader = perContext(() => new DataLoader(load))
    const [own, foreign] = await Promise.all([
      as(a, () => loader().load(a.documentId)),
      as(b, () => loader().load(a.documentId)),
    ])
    expect(own).toMatchObject({ tenant_id: a.id })
    expect(foreign).toBeNull()
  })
})

describe('a tenant cache on Keyv', () => {
  attackSharedCache(() => {
    const inside = new Map<string, unknown>()
    const library = new Keyv({ store: inside, useKeyPrefix: false })
    return {
      library,
      entries: async () => {
        const found = new Map<string, string>()
        for (const key of inside.keys()) found.set(key, String(await library.get(key)))
        return found
      },
      write: (key, text) => library.set(key, text),
    }
  })
})

describe('a tenant cache on lru-cache', () => {
  attackSharedCache(() => {
    const library = new LRUCache<string, string>({ max: 1_000 })
    return {
      library,
      entries: async () => new Map([...library.entries()].reverse()),
      write: async (key, text) => library.set(key, text),
    }
  })
})
