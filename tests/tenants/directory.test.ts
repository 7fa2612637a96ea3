import { describe, expect, it } from 'vitest'
import { createSecurityEvents } from '../../src/events/security-events.ts'
import { createTenantDirectory, type TenantDirectoryOptions } from '../../src/tenants/directory.ts'
import type { Tenant } from '../../src/tenants/tenant.ts'

const tenant = (id: string, status = 'active'): Tenant => ({ id, status, tier: 'free' })

/** A directory on a table of our own, with a clock of our own. */
function setUp(options: Partial<TenantDirectoryOptions> = {}) {
  const table = new Map<string, Tenant>()
  const inactive: string[] = []
  let lookups = 0
  let time = 0
  const directory = createTenantDirectory({
    async findByClaim(key) {
      lookups++
      return table.get(key)
    },
    now: () => time,
    onInactive: ({ id }) => inactive.push(id),
    ...options,
  })
  return {
    table,
    inactive,
    directory,
    lookups: () => lookups,
    pass: (ms: number) => {
      time += ms
    },
  }
}

describe('createTenantDirectory', () => {
  it('asks once and then knows, for a minute', async () => {
    const { table, directory, lookups, pass } = setUp()
    table.set('acme', tenant('1'))
    await directory.findByClaim('acme')
    pass(59_999)
    expect(await directory.findByClaim('acme')).toMatchObject({ id: '1' })
    expect(lookups()).toBe(1)
    pass(1)
    await directory.findByClaim('acme')
    expect(lookups()).toBe(2)
  })

  it('asks once for many that ask at the same time', async () => {
    const { table, directory, lookups } = setUp()
    table.set('acme', tenant('1'))
    await Promise.all(Array.from({ length: 100 }, () => directory.findByClaim('acme')))
    expect(lookups()).toBe(1)
  })

  it('remembers that there is no such tenant, shortly', async () => {
    const { table, directory, lookups, pass } = setUp()
    expect(await directory.findByClaim('acme')).toBeUndefined()
    expect(await directory.findByClaim('acme')).toBeUndefined()
    expect(lookups()).toBe(1)
    table.set('acme', tenant('1'))
    pass(5_000)
    expect(await directory.findByClaim('acme')).toMatchObject({ id: '1' })
  })

  it('learns of a new tenant with the next notification', async () => {
    const { table, directory } = setUp()
    await directory.findByClaim('acme')
    table.set('acme', tenant('1'))
    directory.invalidate('1')
    expect(await directory.findByClaim('acme')).toMatchObject({ id: '1' })
  })

  it('answers live five seconds while nothing is heard', async () => {
    const { table, directory, lookups, pass } = setUp()
    table.set('acme', tenant('1'))
    await directory.findByClaim('acme')
    pass(5_000)
    directory.setListening(false)
    await directory.findByClaim('acme')
    expect(lookups()).toBe(2)
  })

  it('keeps a bounded number of tenants and of unknown claims', async () => {
    const { directory, lookups } = setUp({ maxEntries: 10 })
    for (let index = 0; index < 1_000; index++) await directory.findByClaim(`made-up-${index}`)
    await directory.findByClaim('made-up-0')
    expect(lookups()).toBe(1_001)
  })

  it('never gives an answer that was asked for before an invalidation', async () => {
    let release = (_: Tenant) => {}
    let calls = 0
    const { directory } = setUp({
      findByClaim: () => {
        calls++
        // The first lookup read the row before the suspension was committed, and its answer is late.
        if (calls === 1) return new Promise((resolve) => (release = resolve))
        return Promise.resolve(tenant('1', 'suspended'))
      },
    })
    const answer = directory.findByClaim('acme')
    await new Promise((resolve) => setImmediate(resolve))
    directory.invalidate('1')
    release(tenant('1', 'active'))
    expect((await answer)?.status).toBe('suspended')
    expect((await directory.findByClaim('acme'))?.status).toBe('suspended')
  })

  it('refuses where each answer is outdated on arrival', async () => {
    const { directory } = setUp({
      async findByClaim() {
        directory.invalidate('1')
        return tenant('1')
      },
    })
    await expect(directory.findByClaim('acme')).rejects.toMatchObject({ code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE' })
  })

  it('a flood of notifications about others costs no lookup', async () => {
    const { table, directory, lookups } = setUp({ maxEntries: 100 })
    table.set('acme', tenant('1'))
    await directory.findByClaim('acme')
    for (let index = 0; index < 10_000; index++) directory.invalidate(`made-up-${index}`)
    await directory.findByClaim('acme')
    expect(lookups()).toBe(1)
  })

  it('a spoofed notification makes it read again, and nothing else', async () => {
    const { table, directory } = setUp()
    table.set('acme', tenant('1', 'suspended'))
    await directory.findByClaim('acme')
    directory.invalidate('1')
    expect((await directory.findByClaim('acme'))?.status).toBe('suspended')
  })

  it('tells once of a tenant that became inactive, and again after it was active', async () => {
    const { table, directory, inactive } = setUp()
    const read = async (status: string) => {
      table.set('acme', tenant('1', status))
      directory.invalidate('1')
      await directory.findByClaim('acme')
    }
    await read('active')
    await read('suspended')
    await read('suspended')
    expect(inactive).toEqual(['1'])
    await read('active')
    await read('suspended')
    expect(inactive).toEqual(['1', '1'])
  })

  it('tells of a tenant that is gone, and of a claim that names another now', async () => {
    const { table, directory, inactive, pass } = setUp()
    table.set('acme', tenant('1'))
    await directory.findByClaim('acme')
    table.set('acme', tenant('2'))
    pass(60_000)
    await directory.findByClaim('acme')
    table.delete('acme')
    pass(60_000)
    await directory.findByClaim('acme')
    expect(inactive).toEqual(['1', '2'])
  })

  it('asks a directory that is down no more until it recovers', async () => {
    let calls = 0
    let down = true
    const events = createSecurityEvents()
    const seen: string[] = []
    events.on('*', (event) => seen.push(event.type))
    const { directory } = setUp({
      events,
      async findByClaim() {
        calls++
        if (down) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
        return tenant('1')
      },
    })
    for (let index = 0; index < 50; index++) {
      await expect(directory.findByClaim('acme')).rejects.toMatchObject({ status: 503 })
    }
    expect(calls).toBe(3)
    expect(seen).toEqual(['BREAKER_OPEN'])
    down = false
    await expect
      .poll(() => directory.findByClaim('acme').catch(() => undefined), { timeout: 5_000 })
      .toMatchObject({ id: '1' })
  })

  it('a directory that answers with another tenant than it was asked for is refused', async () => {
    const { directory } = setUp({ findByClaim: async () => ({ ...tenant('2'), key: 'other' }) })
    await expect(directory.findByClaim('acme')).rejects.toMatchObject({ status: 503 })
  })

  it.each([{ id: '1' }, { id: '', status: 'active', tier: 'free' }, { id: 7, status: 'active', tier: 'free' }])(
    'an answer that is no tenant is refused: %j',
    async (answer) => {
      // A user's function may answer anything.
      const { directory } = setUp({ findByClaim: async () => answer as unknown as Tenant })
      await expect(directory.findByClaim('acme')).rejects.toMatchObject({ status: 503 })
    },
  )
})
