import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createSecurityEvents } from '../../src/events/security-events.ts'
import { type CurrentMembership, createEnvelopes, type EnvelopeOptions } from '../../src/tenants/envelope.ts'
import type { Tenant } from '../../src/tenants/tenant.ts'

const key = randomBytes(32)

function setUp(options: Partial<EnvelopeOptions> = {}) {
  const tenants = new Map<string, Tenant>([['t1', { id: 't1', status: 'active', tier: 'pro' }]])
  let time = 1_000_000_000_000
  const events = createSecurityEvents()
  const attacks: string[] = []
  events.on('TOKEN_ATTACK', ({ reason }) => attacks.push(reason))
  let roles: readonly string[] | false = ['owner', 'member']
  const membership: CurrentMembership = async () => (roles === false ? false : { roles })
  const envelopes = createEnvelopes({
    keys: async () => [key],
    directory: { findById: async (id) => tenants.get(id) },
    membership,
    events,
    now: () => time,
    ...options,
  })
  return {
    ...envelopes,
    tenants,
    attacks,
    pass: (seconds: number) => {
      time += seconds * 1_000
    },
    setRoles: (next: readonly string[] | false) => {
      roles = next
    },
    exported: (more: Partial<Parameters<typeof envelopes.exportContext>[0]> = {}) =>
      runWithTenant({ tenantId: 't1', userId: 'u1', roles: ['member'] }, () =>
        envelopes.exportContext({ audience: 'reports', expiresIn: '10m', ...more }),
      ),
  }
}

const REFUSED = { code: 'PARTYWALL_AUTHENTICATION' }
const INACTIVE = { code: 'PARTYWALL_TENANT_INACTIVE' }

describe('an envelope', () => {
  it('brings a context to a worker, with the roles of now', async () => {
    const { exported, importContext } = setUp()
    expect(await importContext(await exported(), { audience: 'reports' })).toMatchObject({
      tenantId: 't1',
      userId: 'u1',
      roles: ['owner', 'member'],
      tier: 'pro',
    })
  })

  it('carries no roles and no permissions', async () => {
    const text = Buffer.from((await setUp().exported()).split('.')[0] ?? '', 'base64url').toString()
    expect(text).not.toContain('member')
    expect(Object.keys(JSON.parse(text))).not.toContain('roles')
  })

  it('brings back no roles where nobody can say what they are now', async () => {
    const { exported, importContext } = setUp({ membership: undefined })
    expect((await importContext(await exported(), { audience: 'reports' })).roles).toEqual([])
  })

  it('opens for its audience alone', async () => {
    const { exported, importContext, attacks } = setUp()
    await expect(importContext(await exported(), { audience: 'mails' })).rejects.toMatchObject(REFUSED)
    expect(attacks).toEqual(['envelope: audience'])
  })

  it('is over when its time is', async () => {
    const { exported, importContext, pass } = setUp()
    const envelope = await exported()
    pass(600)
    await expect(importContext(envelope, { audience: 'reports' })).rejects.toMatchObject(REFUSED)
  })

  it('belongs to its job', async () => {
    const { exported, importContext } = setUp()
    const envelope = await exported({ jobId: '7' })
    await expect(importContext(envelope, { audience: 'reports', jobId: '8' })).rejects.toMatchObject(REFUSED)
    await expect(importContext(envelope, { audience: 'reports' })).rejects.toMatchObject(REFUSED)
    await expect(importContext(await exported(), { audience: 'reports', jobId: '7' })).rejects.toMatchObject(REFUSED)
    await expect(importContext(envelope, { audience: 'reports', jobId: '7' })).resolves.toBeDefined()
  })

  it('belongs to its payload, in any order of its keys', async () => {
    const { exported, importContext } = setUp()
    const envelope = await exported({ payload: { a: 1, b: { c: [1, 2], d: null } } })
    const opened = (payload: unknown) => importContext(envelope, { audience: 'reports', payload })
    await expect(opened({ b: { d: null, c: [1, 2] }, a: 1 })).resolves.toBeDefined()
    await expect(opened({ a: 1, b: { c: [2, 1], d: null } })).rejects.toMatchObject(REFUSED)
    await expect(opened(undefined)).rejects.toMatchObject(REFUSED)
  })

  it.each([
    ['nothing', () => ''],
    ['words', () => 'a.b'],
    ['three parts', (text: string) => `${text}.x`],
    ['no signature', (text: string) => `${text.split('.')[0]}.`],
    [
      'a changed body',
      (text: string) => `${Buffer.from('{"v":1,"tenant":"t2"}').toString('base64url')}.${text.split('.')[1]}`,
    ],
    ['a very long one', (text: string) => text + 'x'.repeat(20_000)],
    ['no text', () => 7 as never],
  ])('is refused when forged: %s', async (_what, forge) => {
    const { exported, importContext } = setUp()
    await expect(importContext(forge(await exported()), { audience: 'reports' })).rejects.toMatchObject(REFUSED)
  })

  it('opens after a rotation while the old key is known, and not after', async () => {
    const { exported } = setUp()
    const envelope = await exported()
    const rotated = setUp({ keys: async () => [randomBytes(32), key] })
    await expect(rotated.importContext(envelope, { audience: 'reports' })).resolves.toBeDefined()
    const forgotten = setUp({ keys: async () => [randomBytes(32)] })
    await expect(forgotten.importContext(envelope, { audience: 'reports' })).rejects.toMatchObject(REFUSED)
  })

  it('opens no more for a tenant that is suspended or gone', async () => {
    const { exported, importContext, tenants } = setUp()
    const envelope = await exported()
    tenants.set('t1', { id: 't1', status: 'suspended', tier: 'pro' })
    await expect(importContext(envelope, { audience: 'reports' })).rejects.toMatchObject(INACTIVE)
    tenants.delete('t1')
    await expect(importContext(envelope, { audience: 'reports' })).rejects.toMatchObject(INACTIVE)
  })

  it('opens no more for a user who left or was lowered', async () => {
    const { exported, importContext, setRoles } = setUp()
    const envelope = await exported()
    setRoles(['viewer'])
    await expect(importContext(envelope, { audience: 'reports' })).rejects.toMatchObject(INACTIVE)
    setRoles(false)
    await expect(importContext(envelope, { audience: 'reports' })).rejects.toMatchObject(INACTIVE)
  })

  it('opens not while nobody can say whether the user is still a member', async () => {
    const { exported, importContext } = setUp({
      membership: () => Promise.reject(new Error('down')),
    })
    await expect(importContext(await exported(), { audience: 'reports' })).rejects.toMatchObject({ status: 503 })
  })

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, '10', '31d', 'soon'])(
    'refuses to live for %s',
    async (expiresIn) => {
      await expect(setUp().exported({ expiresIn: expiresIn as never })).rejects.toMatchObject({
        code: 'PARTYWALL_CONFIGURATION',
      })
    },
  )

  it('needs a context', async () => {
    await expect(setUp().exportContext({ audience: 'x', expiresIn: 1 })).rejects.toMatchObject({
      code: 'PARTYWALL_CONTEXT_MISSING',
    })
  })
})
