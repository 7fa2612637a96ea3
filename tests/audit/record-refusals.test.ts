import { beforeAll, describe, expect, it } from 'vitest'
import { queryEvents, recordRefusals } from '../../src/audit/index.ts'
import { createSecurityEvents, type SecurityEvent } from '../../src/events/security-events.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { type AuditWorld, createAuditWorld } from './audit-world.ts'

describe('the log of refusals', () => {
  let world: AuditWorld
  let auditor: Awaited<ReturnType<AuditWorld['client']>>
  beforeAll(async () => {
    world = await createAuditWorld()
    auditor = await world.client(await world.login('partywall_auditor'))
  })

  async function refuse(...happened: readonly SecurityEvent[]): Promise<void> {
    const events = createSecurityEvents()
    const recorder = recordRefusals(events, world.audit, { logger: silentLogger, maxSources: 5 })
    for (const event of happened) events.emit(event)
    await recorder.close()
    events.emit({ type: 'RATE_LIMITED', tenantId: world.a.id, limits: ['after-close'], tier: 'free' })
  }

  it('writes a refusal into the log of the tenant that was refused', async () => {
    const { a } = world
    await refuse({
      type: 'PERMISSION_DENIED',
      tenantId: a.id,
      userId: 'u1',
      requestId: 'r1',
      permission: 'x:y',
      source: 'route',
    })
    const { events } = await world.as(a, () => world.audit.query({ action: 'PERMISSION_DENIED' }))
    expect(events).toMatchObject([
      { userId: 'u1', requestId: 'r1', outcome: 'denied', details: { permission: 'x:y', source: 'route' } },
    ])
  })

  it('tells the tenant of a crossing attempt without the other tenant, and security staff with it', async () => {
    const { a, b } = world
    // Emitted inside B's context: the recorder must not be bound to whoever reported.
    await world.as(b, () =>
      refuse({
        type: 'CROSS_TENANT_ACCESS_ATTEMPT',
        source: 'guard',
        tenantId: a.id,
        userId: 'u1',
        attemptedTenantId: b.id,
      }),
    )
    const { events } = await world.as(a, () => world.audit.query({ action: 'CROSS_TENANT_ACCESS_ATTEMPT' }))
    expect(events).toHaveLength(1)
    expect(JSON.stringify(events)).not.toContain(b.id)
    const system = await queryEvents(auditor, '', { action: 'CROSS_TENANT_ACCESS_ATTEMPT' })
    expect(system.events).toMatchObject([{ details: { tenantId: a.id, attemptedTenantId: b.id, userId: 'u1' } }])
  })

  it('writes what belongs to no tenant, and what a locked-out one tried, into the system stream', async () => {
    const { a } = world
    await refuse(
      { type: 'TOKEN_ATTACK', reason: 'alg none', clientAddress: '192.0.2.66' },
      { type: 'TENANT_REFUSED', reason: 'suspended', tenantId: a.id },
    )
    const { events } = await queryEvents(auditor, '', { limit: 10 })
    expect(events).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ action: 'TOKEN_ATTACK', ip: '192.0.2.66', details: { reason: 'alg none' } }),
        expect.objectContaining({ action: 'TENANT_REFUSED', details: { reason: 'suspended', tenantId: a.id } }),
      ]),
    )
  })

  it('folds a flood of one source into one event and one count', async () => {
    const flood = Array.from(
      { length: 5_000 },
      (_, n): SecurityEvent => ({
        type: 'AUTHENTICATION_FAILED',
        reason: 'expired',
        clientAddress: '192.0.2.99',
        requestId: `r${n}`,
      }),
    )
    await refuse(...flood)
    const { events } = await queryEvents(auditor, '', { action: 'AUTHENTICATION_FAILED' })
    expect(events.map((event) => event.details['count'] ?? 1).sort()).toEqual([1, 4_999])
  })

  it('counts together what comes from too many sources, so that nobody fills the log', async () => {
    const flood = Array.from(
      { length: 500 },
      (_, n): SecurityEvent => ({
        type: 'RATE_LIMITED',
        tenantId: world.a.id,
        userId: `user-${n}`,
        limits: ['minute'],
        tier: 'free',
      }),
    )
    await refuse(...flood)
    const own = await world.as(world.a, () => world.audit.query({ action: 'RATE_LIMITED' }))
    const system = await queryEvents(auditor, '', { action: 'RATE_LIMITED' })
    expect(own.events).toHaveLength(5)
    expect(system.events).toMatchObject([{ details: { count: 495 } }])
  })
})
