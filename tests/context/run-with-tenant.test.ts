import { describe, expect, it } from 'vitest'
import { internalsOf } from '../../src/context/frame.ts'
import {
  getCurrentTenant,
  requireTenant,
  runInTenantFrame,
  runWithoutTenant,
  runWithTenant,
  tryGetCurrentTenant,
} from '../../src/context/run-with-tenant.ts'
import { tenantStore } from '../../src/context/store.ts'
import { createSecurityEvents, type SecurityEvent } from '../../src/events/security-events.ts'

const a = { tenantId: 'tenant-a', userId: 'ann' }
const b = { tenantId: 'tenant-b', userId: 'bob' }

describe('runWithTenant', () => {
  it('gives the context to everything that is awaited, scheduled and started inside', async () => {
    const seen = await runWithTenant(a, async () => {
      const results = [getCurrentTenant().tenantId]
      await Promise.resolve()
      results.push(getCurrentTenant().tenantId)
      await new Promise<void>((resolve) => setImmediate(resolve))
      results.push(getCurrentTenant().tenantId)
      await new Promise<void>((resolve) => process.nextTick(resolve))
      results.push(getCurrentTenant().tenantId)
      return results
    })
    expect(seen).toEqual(['tenant-a', 'tenant-a', 'tenant-a', 'tenant-a'])
    expect(tryGetCurrentTenant()).toBeUndefined()
  })

  it('keeps tenants that run at the same time apart', async () => {
    const work = (context: typeof a) =>
      runWithTenant(context, async () => {
        for (let turn = 0; turn < 20; turn++) {
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 3))
          if (getCurrentTenant().tenantId !== context.tenantId) return 'mixed'
        }
        return 'apart'
      })
    expect(await Promise.all([a, b, a, b, a, b].map(work))).toEqual(Array(6).fill('apart'))
  })

  it('freezes a copy of the context and fills what is missing', () => {
    const given = { ...a, roles: ['member'] }
    const seen = runWithTenant(given, () => getCurrentTenant())
    given.roles.push('owner')
    given.tenantId = 'tenant-b'
    expect(seen).toMatchObject({ tenantId: 'tenant-a', roles: ['member'], permissions: undefined, tier: 'free' })
    expect(seen.requestId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/)
    expect(Object.isFrozen(seen)).toBe(true)
    expect(Object.isFrozen(seen.roles)).toBe(true)
    expect(() => Object.assign(seen, { tenantId: 'tenant-b' })).toThrow(TypeError)
  })

  it('refuses another tenant inside, and names the cure', () => {
    const nested = () => runWithTenant(a, () => runWithTenant(b, () => 'reached'))
    expect(nested).toThrow(expect.objectContaining({ code: 'PARTYWALL_TENANT_ISOLATION' }))
    expect(runWithTenant(a, () => runWithTenant(a, () => 'reached'))).toBe('reached')
  })

  it('refuses another tenant also behind an empty context that another tenant opened', () => {
    const nested = () => runWithTenant(a, () => runWithoutTenant(() => runWithTenant(b, () => 'reached')))
    expect(nested).toThrow(expect.objectContaining({ code: 'PARTYWALL_TENANT_ISOLATION' }))
  })

  it.each([
    ['no tenant', { tenantId: '', userId: 'ann' }],
    ['a tenant of another type', { tenantId: 7, userId: 'ann' }],
    ['an array as tenant', { tenantId: ['tenant-a'], userId: 'ann' }],
    ['a line break in the tenant', { tenantId: 'a\nb', userId: 'ann' }],
    ['NUL in the user', { tenantId: 'a', userId: 'a\0b' }],
    ['roles that are no list', { ...a, roles: 'owner' }],
    ['an actor of an unknown type', { ...a, actor: { id: 'x', type: 'root' } }],
    ['a tenant of 129 characters', { tenantId: 'x'.repeat(129), userId: 'ann' }],
  ])('refuses %s', (_name, context) => {
    // The values come from plain JavaScript, which no compiler has seen.
    const untyped: (context: unknown, fn: () => string) => unknown = runWithTenant as never
    expect(() => untyped(context, () => 'reached')).toThrow(
      expect.objectContaining({ code: 'PARTYWALL_CONFIGURATION' }),
    )
  })

  it('starts a lazy thenable inside the context', async () => {
    const lazy = {
      then(resolve: (value: string) => void) {
        resolve(tryGetCurrentTenant()?.tenantId ?? 'outside')
      },
    }
    const result: unknown = await runWithTenant(a, () => lazy)
    expect(result).toBe('tenant-a')
  })

  it('ends with the function, also when it throws', () => {
    expect(() =>
      runWithTenant(a, () => {
        throw new Error('inside')
      }),
    ).toThrow('inside')
    expect(tryGetCurrentTenant()).toBeUndefined()
  })
})

describe('who really acts', () => {
  const actor = { id: 'sam', type: 'staff' } as const

  it('is kept by a context that is opened inside, and behind an empty one', () => {
    const inside = { ...a, roles: ['owner'] }
    expect(runWithTenant({ ...a, actor }, () => runWithTenant(inside, getCurrentTenant)).actor).toEqual(actor)
    const behind = runWithTenant({ ...a, actor }, () => runWithoutTenant(() => runWithTenant(inside, getCurrentTenant)))
    expect(behind.actor).toEqual(actor)
  })
})

describe('a visit of staff', () => {
  const actor = { id: 'sam', type: 'staff', reason: 'ticket' } as const
  const visitor = { tenantId: 'tenant-a', userId: 'sam', roles: ['viewer'], actor }
  const visit = <T>(fn: () => T): T =>
    runInTenantFrame(visitor, { visit: true, readOnly: 'always', stopped: () => undefined }, fn)

  it.each([
    ['another user', { ...visitor, userId: 'ann' }],
    ['more roles', { ...visitor, roles: ['viewer', 'owner'] }],
    ['another actor', { ...visitor, actor: { ...actor, id: 'eve' } }],
    ['another reason', { ...visitor, actor: { ...actor, reason: 'none' } }],
    ['another tenant', { ...visitor, tenantId: 'tenant-b' }],
  ])('takes on no %s, directly or behind an empty context', (_what, context) => {
    const refused = expect.objectContaining({ code: 'PARTYWALL_TENANT_ISOLATION' })
    const seen: SecurityEvent[] = []
    const events = createSecurityEvents()
    events.on('*', (event) => seen.push(event))
    expect(() => visit(() => runInTenantFrame(context, { events }, () => 'reached'))).toThrow(refused)
    expect(seen).toMatchObject([{ type: 'CROSS_TENANT_ACCESS_ATTEMPT', tenantId: 'tenant-a', userId: 'sam' }])
    expect(() => visit(() => runWithoutTenant(() => runWithTenant(context, () => 'reached')))).toThrow(refused)
    expect(() =>
      visit(() => runWithTenant({ ...visitor, roles: [] }, () => runWithTenant(context, () => 'x'))),
    ).toThrow(refused)
  })

  it('goes on with the same rights or fewer, still named, read-only and bound to its end', () => {
    const ended = new Error('over')
    runInTenantFrame(visitor, { visit: true, readOnly: 'always', stopped: () => ended }, () => {
      runInTenantFrame({ tenantId: 'tenant-a', userId: 'sam' }, { readOnly: false, stopped: () => undefined }, () => {
        expect(getCurrentTenant()).toMatchObject({ userId: 'sam', roles: [], actor })
        const frame = tenantStore.getStore()
        const inside = frame === undefined ? undefined : internalsOf(frame)
        expect(inside?.readOnly).toBe('always')
        expect(inside?.stopped?.()).toBe(ended)
      })
    })
  })
})

describe('getCurrentTenant', () => {
  it('throws outside a context and inside an explicitly empty one', () => {
    const missing = expect.objectContaining({ code: 'PARTYWALL_CONTEXT_MISSING' })
    expect(() => getCurrentTenant()).toThrow(missing)
    expect(() => runWithoutTenant(() => getCurrentTenant())).toThrow(missing)
    expect(() => runWithTenant(a, () => runWithoutTenant(() => getCurrentTenant()))).toThrow(missing)
  })
})

describe('requireTenant', () => {
  it('passes for its own tenant and tells the team of any other', () => {
    const seen: SecurityEvent[] = []
    const events = createSecurityEvents()
    events.on('*', (event) => seen.push(event))
    runInTenantFrame(a, { events }, () => {
      expect(requireTenant('tenant-a').userId).toBe('ann')
      expect(() => requireTenant('tenant-b')).toThrow(expect.objectContaining({ code: 'PARTYWALL_TENANT_ISOLATION' }))
    })
    expect(seen).toEqual([
      expect.objectContaining({
        type: 'CROSS_TENANT_ACCESS_ATTEMPT',
        source: 'requireTenant',
        tenantId: 'tenant-a',
        attemptedTenantId: 'tenant-b',
      }),
    ])
  })
})

describe('tenantStore', () => {
  it('is one for all copies of the package', () => {
    expect(Reflect.get(globalThis, Symbol.for('partywall.context.v1'))).toBe(tenantStore)
    expect(() => Object.assign(globalThis, { [Symbol.for('partywall.context.v1')]: {} })).toThrow(TypeError)
  })
})
