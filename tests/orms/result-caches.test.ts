// Drizzle's cache: without a tenant it crosses, with drizzleCache() it does not.
import { Cache, type MutationOption } from 'drizzle-orm/cache/core'
import { drizzle } from 'drizzle-orm/node-postgres'
import { pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { drizzleCache } from '../../src/cache/hooks/drizzle.ts'
import { perContext } from '../../src/cache/per-context.ts'
import { memoryStore } from '../../src/cache/store.ts'
import { runWithoutTenant, runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestTenant } from '../setup/database.ts'
import { createTestWall } from '../setup/wall.ts'

const documents = pgTable('documents', {
  id: uuid('id').primaryKey(),
  tenantId: uuid('tenant_id'),
  title: text('title'),
})

/** A cache as applications write it: by Drizzle's own key. */
class CarelessCache extends Cache {
  readonly kept = new Map<string, unknown[]>()
  override strategy() {
    return 'all' as const
  }
  override async get(key: string) {
    return this.kept.get(key)
  }
  override async put(key: string, response: unknown[]) {
    this.kept.set(key, response)
  }
  override async onMutate(_change: MutationOption) {}
}

let wall: Partywall
let a: TestTenant
let b: TestTenant
const as = <T>(tenant: TestTenant, fn: () => Promise<T>) =>
  runWithTenant({ tenantId: tenant.id, userId: tenant.userId, roles: ['owner'] }, fn)

beforeAll(async () => {
  const database = await createTestDatabase()
  ;({ wall } = await createTestWall(database))
  a = await createTestTenant(database)
  b = await createTestTenant(database)
})

describe('Drizzle with a cache', () => {
  it('crosses tenants with a cache that knows a result by its SQL: the leak is real', async () => {
    const db = drizzle(wall.pool, { cache: new CarelessCache() })
    const read = () => db.select().from(documents)
    await as(a, async () => read())
    expect((await as(b, async () => read()))[0]?.tenantId).toBe(a.id)
  })

  it('crosses nothing with drizzleCache(), and answers from the cache', async () => {
    // recipe
    const cache = drizzleCache(Cache, wall.tenantCache(memoryStore()), { strategy: 'all' })
    const db = drizzle(wall.pool, { cache })
    // end of recipe
    const read = () => db.select().from(documents)
    const first = await as(a, async () => read())
    expect((await as(b, async () => read()))[0]?.tenantId).toBe(b.id)
    await as(a, () => wall.pool.query("update documents set title = 'changed behind Drizzle'"))
    expect(await as(a, async () => read())).toEqual(first)
    await as(a, async () => db.update(documents).set({ title: 'changed by Drizzle' }))
    expect((await as(a, async () => read()))[0]?.title).toBe('changed by Drizzle')
    expect((await as(b, async () => read()))[0]?.title).toBe('First document')
  })

  it('invalidates a result with a tag by the tag, by a change of its table, and in its own tenant only', async () => {
    const cache = drizzleCache(Cache, wall.tenantCache(memoryStore()))
    const db = drizzle(wall.pool, { cache })
    const read = async () => (await db.select().from(documents).$withCache({ tag: 'all documents' }))[0]?.title
    const behind = (title: string) => as(a, () => wall.pool.query('update documents set title = $1', [title]))
    await behind('one')
    expect(await as(a, read)).toBe('one')
    expect(await as(b, read)).toBe('First document')
    await behind('two')
    expect(await as(a, read)).toBe('one')
    await as(b, () => db.$cache.invalidate({ tags: 'all documents' }))
    expect(await as(a, read)).toBe('one')
    await as(a, () => db.$cache.invalidate({ tags: 'all documents' }))
    expect(await as(a, read)).toBe('two')
    await as(a, async () => db.update(documents).set({ title: 'three' }))
    expect(await as(a, read)).toBe('three')
  })
})

describe('perContext()', () => {
  it('gives each context an object of its own, and none outside of a context', async () => {
    const collected = perContext(() => ({ seen: new Set<string>() }))
    const collect = (tenant: TestTenant) =>
      as(tenant, async () => {
        collected().seen.add(tenant.id)
        await null
        return collected()
      })
    const [left, right] = await Promise.all([collect(a), collect(b)])
    expect([...left.seen]).toEqual([a.id])
    expect([...right.seen]).toEqual([b.id])
    expect(() => collected()).toThrow(expect.objectContaining({ code: 'PARTYWALL_CONTEXT_MISSING' }))
    expect(() => runWithoutTenant(collected)).toThrow(expect.objectContaining({ code: 'PARTYWALL_CONTEXT_MISSING' }))
  })
})
