// Attacks on a cache that tenants share, for any store: the attacker is a tenant who can also read, write, copy and delete what stands in
// the store, but does not know the secret.
import { randomBytes } from 'node:crypto'
import { serialize } from 'node:v8'
import { expect, it } from 'vitest'
import { createTenantCache, type TenantCache } from '../../../src/cache/tenant-cache.ts'
import { runInTenantFrame, runWithoutTenant, runWithTenant } from '../../../src/context/run-with-tenant.ts'
import { tenantStore } from '../../../src/context/store.ts'
import { TenantInactiveError } from '../../../src/errors.ts'
import { createSecurityEvents, type SecurityEvent } from '../../../src/events/security-events.ts'

/** A cache library, and what its attacker can do with it. */
interface StoreUnderAttack {
  readonly library: object
  entries(): Promise<Map<string, string>>
  write(key: string, text: string): Promise<unknown>
}

const as = <T>(tenantId: string, fn: () => T, userId = 'user'): T => runWithTenant({ tenantId, userId, roles: [] }, fn)

export function attackSharedCache(open: () => StoreUnderAttack): void {
  const key = randomBytes(32)
  const events: SecurityEvent[] = []
  const emitter = createSecurityEvents(() => {})
  emitter.on('*', (event) => void events.push(event))
  const cacheOn = (store: StoreUnderAttack, secret = key, options = {}): TenantCache =>
    createTenantCache(store.library, { keys: async () => [secret], events: emitter }, options)

  it('gives a tenant its own value, also with dates and binary data', async () => {
    const cache = cacheOn(open())
    const value = { at: new Date(5), bytes: Buffer.from('x'), rows: [{ id: 1n }] }
    await as('own', () => cache.set('k', value))
    const read = await as('own', () => cache.get<typeof value>('k'))
    expect(read?.at).toEqual(value.at)
    expect(read?.rows).toEqual(value.rows)
    await as('own', () => cache.delete('k'))
    expect(await as('own', () => cache.get('k'))).toBeUndefined()
  })

  it('gives another tenant nothing for the same key', async () => {
    const cache = cacheOn(open())
    await as('a', () => cache.set('same', 'secret of a'))
    expect(await as('b', () => cache.get('same'))).toBeUndefined()
    expect(await as('b', () => cache.wrap('same', async () => 'of b'))).toBe('of b')
    expect(await as('a', () => cache.get('same'))).toBe('secret of a')
  })

  it('keeps tenants apart that write and read the same key in one tick', async () => {
    const cache = cacheOn(open())
    const runs = Array.from({ length: 100 }, (_, index) => {
      const tenant = index % 2 === 0 ? 'tick-a' : 'tick-b'
      return as(tenant, async () => {
        await cache.set('tick', tenant)
        expect(await cache.get('tick')).toBe(tenant)
        expect(await cache.wrap('tick', async () => 'of nobody')).toBe(tenant)
      })
    })
    await Promise.all(runs)
  })

  it('reads no value of A under B if its text is copied to the place of B’s key', async () => {
    const store = open()
    const cache = cacheOn(store)
    await as('copied-a', () => cache.set('row', 'secret of a'))
    const before = new Set((await store.entries()).keys())
    await as('copied-b', () => cache.set('row', 'of b'))
    const after = await store.entries()
    const [place = ''] = [...after.keys()].filter((each) => !before.has(each))
    const [text = ''] = [...after]
      .filter(([each]) => before.has(each))
      .map(([, each]) => each)
      .slice(-1)
    await store.write(place, text)
    events.length = 0
    expect(await as('copied-b', () => cache.get('row'))).toBeUndefined()
    expect(events).toEqual([
      expect.objectContaining({ type: 'CROSS_TENANT_ACCESS_ATTEMPT', source: 'cache', tenantId: 'copied-b' }),
    ])
    expect((await store.entries()).has(place)).toBe(false)
  })

  it('reads no value under another key of the same tenant', async () => {
    const store = open()
    const cache = cacheOn(store)
    await as('moved', () => cache.set('invoice', 'paid'))
    const known = await store.entries()
    await as('moved', () => cache.set('other', 'open'))
    const [[place = ''] = []] = [...(await store.entries())].filter(([each]) => !known.has(each))
    for (const text of known.values()) {
      await store.write(place, text)
      expect(await as('moved', () => cache.get('other'))).toBeUndefined()
    }
  })

  it('reads no value that was changed at any place, and none without a MAC', async () => {
    const store = open()
    const cache = cacheOn(store)
    await as('changed', () => cache.set('k', 'good'))
    const [[place, text] = ['', '']] = [...(await store.entries())]
    const [version, until, body, mac] = text.split('.')
    const evil = serialize('evil').toString('base64url')
    const forged = [
      `${version}.${until}.${evil}.${mac}`,
      `${version}.${Number(until) + 1}.${body}.${mac}`,
      `${version}.9999999999999.${body}.${mac}`,
      `2.${until}.${body}.${mac}`,
      `${version}.${until}.${body}.`,
      `${version}.${until}.${body}`,
      `${version}.${until}.${body}.${mac}.x`,
      // base64 of the right bytes, written in another way
      `${text}=`,
      `${text}!`,
      `${version}.${until}.${body}.${Buffer.alloc(32).toString('base64url')}`,
      '',
      'null',
      '{"value":"evil"}',
    ]
    for (let at = 0; at < text.length; at += 7)
      forged.push(`${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`)
    for (const each of forged) {
      await store.write(place, each)
      const read = await as('changed', () => cache.get('k'))
      expect({ each, read }).toEqual({ each, read: undefined })
    }
    await store.write(place, text)
    expect(await as('changed', () => cache.get('k'))).toBe('good')
  })

  it('reads no value that another secret, another cache or another user wrote', async () => {
    const store = open()
    await as('t', () => cacheOn(store, randomBytes(32)).set('k', 'of an attacker'))
    await as('t', () => cacheOn(store, key, { name: 'other' }).set('k', 'of the other cache'))
    await as('t', () => cacheOn(store, key, { sharedBy: 'user' }).set('k', 'of the user'), 'one')
    for (const text of (await store.entries()).values()) expect(typeof text).toBe('string')
    expect(await as('t', () => cacheOn(store).get('k'))).toBeUndefined()
    expect(await as('t', () => cacheOn(store, key, { sharedBy: 'user' }).get('k'), 'two')).toBeUndefined()
    expect(await as('t', () => cacheOn(store, key, { sharedBy: 'user' }).get('k'), 'one')).toBe('of the user')
  })

  it('reads no value of another cache or another user that was moved to its place', async () => {
    const store = open()
    const placesOf = async (work: () => Promise<unknown>) => {
      const before = await store.entries()
      await work()
      return [...(await store.entries())].filter(([place]) => !before.has(place))
    }
    const caches = [
      [cacheOn(store), 'one'],
      [cacheOn(store, key, { name: 'other' }), 'one'],
      [cacheOn(store, key, { sharedBy: 'user' }), 'one'],
      [cacheOn(store, key, { sharedBy: 'user' }), 'two'],
    ] as const
    const written: [string, string][] = []
    for (const [cache, user] of caches)
      written.push(...(await placesOf(() => as('moving', () => cache.set('k', 'own'), user))))
    expect(written).toHaveLength(caches.length)
    for (const [at, [cache, user]] of caches.entries())
      for (const [from, [, text]] of written.entries()) {
        await store.write(written[at]?.[0] ?? '', text)
        expect(await as('moving', () => cache.get('k'), user)).toBe(at === from ? 'own' : undefined)
      }
  })

  it('puts no value to a place that can be computed without the secret', async () => {
    const store = open()
    const place = async (secret: typeof key) => {
      const before = await store.entries()
      await as('hidden', () => cacheOn(store, secret).set('k', 1))
      return [...(await store.entries())].filter(([each, text]) => before.get(each) !== text).map(([each]) => each)
    }
    const parts = [await place(key), await place(randomBytes(32))].map(([each = '']) => each.split(':'))
    expect(parts[0]).toHaveLength(4)
    for (const part of [2, 3]) expect(parts[0]?.[part]).not.toBe(parts[1]?.[part])
  })

  it('has no two subjects with one MAC: their parts do not run into each other', async () => {
    const store = open()
    const cache = cacheOn(store)
    const placesOf = async (work: () => Promise<unknown>) => {
      const before = await store.entries()
      await work()
      return [...(await store.entries())].filter(([place, text]) => before.get(place) !== text)
    }
    const [[, text] = ['', '']] = await placesOf(() => as('ab', () => cache.set('c', 'of ab')))
    for (const [tenant, asked] of [
      ['a', 'bc'],
      ['abc', ''],
      ['ab1', 'c'],
    ] as const) {
      const [[place] = ['']] = await placesOf(() => as(tenant, () => cache.set(asked, 'own')))
      await store.write(place, text)
      expect(await as(tenant, () => cache.get(asked))).toBeUndefined()
    }
  })

  it('shows no tenant id and no key in the store', async () => {
    const store = open()
    await as('tenant-with-a-name', () => cacheOn(store).set('key-with-a-name', 1))
    for (const place of (await store.entries()).keys()) {
      expect(place).not.toContain('tenant-with-a-name')
      expect(place).not.toContain('key-with-a-name')
    }
  })

  it('ends a value at its time, whatever the store does', async () => {
    const store = open()
    let now = Date.now()
    const cache = createTenantCache(store.library, { keys: async () => [key], events: emitter, now: () => now })
    await as('late', () => cache.set('k', 'v', { ttlMs: 60_000 }))
    const [[place, text] = ['', '']] = [...(await store.entries())].slice(-1)
    now += 60_000
    await store.write(place, text)
    events.length = 0
    expect(await as('late', () => cache.get('k'))).toBeUndefined()
    expect(events).toEqual([])
  })

  it('answers nobody outside a tenant context, and no suspended tenant', async () => {
    const cache = cacheOn(open())
    await as('gone', () => cache.set('k', 'v'))
    const missing = { code: 'PARTYWALL_CONTEXT_MISSING' }
    const operations = [
      () => cache.get('k'),
      () => cache.set('k', 1),
      () => cache.delete('k'),
      () => cache.wrap('k', async () => 1),
    ]
    for (const operation of operations) {
      await expect(tenantStore.run(undefined, operation)).rejects.toMatchObject(missing)
      await expect(runWithoutTenant(operation)).rejects.toMatchObject(missing)
      const stopped = () => new TenantInactiveError('suspended')
      const work = runInTenantFrame({ tenantId: 'gone', userId: 'u' }, { stopped }, operation)
      await expect(work).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_INACTIVE' })
    }
  })
}
