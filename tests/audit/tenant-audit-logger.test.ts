import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createSecurityEvents, type SecurityEvent } from '../../src/events/security-events.ts'
import { type AuditWorld, createAuditWorld } from './audit-world.ts'

describe('TenantAuditLogger', () => {
  let world: AuditWorld
  beforeAll(async () => {
    world = await createAuditWorld()
  })

  it('takes tenant, user, level and time from the seal and the server', async () => {
    const { audit, a } = world
    await runWithTenant(
      {
        tenantId: a.id,
        userId: 'user-1',
        roles: ['admin'],
        requestId: 'request-1',
        actor: { id: 'staff-9', type: 'staff', reason: 'ticket 12' },
      },
      () =>
        audit.log({
          action: 'invoice.viewed',
          resource: 'invoices',
          resourceId: '7',
          details: { total: 12, password: 'hunter2' },
          ip: '192.0.2.1',
          userAgent: 'curl/8',
        }),
    )
    const { events } = await world.as(a, () => audit.query({ action: 'invoice.viewed' }))
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({
      tenantId: a.id,
      userId: 'user-1',
      role: 'tenant_admin',
      actor: { id: 'staff-9', type: 'staff', reason: 'ticket 12' },
      resource: 'invoices',
      resourceId: '7',
      details: { total: 12, password: '[redacted]' },
      outcome: 'success',
      requestId: 'request-1',
      ip: '192.0.2.1',
      userAgent: 'curl/8',
    })
    expect(Math.abs(Date.parse(events[0]?.timestamp ?? '') - Date.now())).toBeLessThan(60_000)
  })

  it('shows a tenant its own events and none of another', async () => {
    const { audit, a, b, pool } = world
    await world.as(b, () => audit.log({ action: 'only.b' }))
    const { events } = await world.as(a, () => audit.query({ limit: 1000 }))
    expect(events.some((event) => event.action === 'only.b')).toBe(false)
    const raw = await world.as(a, () => pool.query('select distinct tenant_id from partywall.audit_events'))
    expect(raw.rows).toEqual([{ tenant_id: a.id }])
  })

  it('refuses to write outside a tenant context', async () => {
    await expect(world.audit.log({ action: 'x' })).rejects.toMatchObject({ code: 'PARTYWALL_CONTEXT_MISSING' })
  })

  it('keeps an event that rides in a transaction only when that commits', async () => {
    const { audit, a, pool } = world
    const failed = world.as(a, () =>
      pool.transaction(async (tx) => {
        await audit.log({ action: 'rides.rolled-back' }, { client: tx })
        throw new Error('no')
      }),
    )
    await expect(failed).rejects.toThrow('no')
    await world.as(a, () => pool.transaction((tx) => audit.log({ action: 'rides.committed' }, { client: tx })))
    const count = (action: string) => world.as(a, async () => (await audit.query({ action })).events.length)
    expect(await count('rides.rolled-back')).toBe(0)
    expect(await count('rides.committed')).toBe(1)
  })

  it('writes a change and its event together, and a failed change as a failure', async () => {
    const { audit, a, pool } = world
    const change = { action: 'document.renamed', resource: 'documents', resourceId: a.documentId }
    await world.as(a, () =>
      audit.change(change, (tx) => tx.query('update documents set title = $1 where id = $2', ['new', a.documentId])),
    )
    const broken = world.as(a, () => audit.change(change, (tx) => tx.query('update documents set title = 1/0')))
    await expect(broken).rejects.toMatchObject({ code: '22012' })
    const { events } = await world.as(a, () => audit.query({ action: 'document.renamed' }))
    expect(events.map((event) => event.outcome)).toEqual(['failure', 'success'])
    const { rows } = await world.as(a, () => pool.query('select title from documents where id = $1', [a.documentId]))
    expect(rows).toEqual([{ title: 'new' }])
  })

  it('refuses a sensitive action whose event cannot be written, and undoes its change', async () => {
    const { a, pool } = world
    const dead = world.newPool({ connectionString: 'postgres://app@127.0.0.1:1/none', connectionTimeoutMillis: 500 })
    const audit = world.newAudit({ reserved: dead })
    const refused = world.as(a, () => audit.read({ action: 'EXPORT_DATA' }, () => pool.query('select 1')))
    await expect(refused).rejects.toMatchObject({ code: 'PARTYWALL_AUDIT_REQUIRED', status: 503 })
    const tooLong = { action: 'DELETE_USER', outcome: 'nonsense' as 'denied' }
    const undone = world.as(a, () =>
      world.newAudit().change(tooLong, (tx) => tx.query("update documents set title = 'gone'")),
    )
    await expect(undone).rejects.toMatchObject({ code: 'PARTYWALL_AUDIT_REQUIRED' })
    const { rows } = await world.as(a, () => pool.query("select from documents where title = 'gone'"))
    expect(rows).toHaveLength(0)
  })

  it('keeps a best-effort event in memory while the database is away, within a bound', async () => {
    const { a, pool } = world
    let away = true
    const reserved = {
      query: (text: string, values?: unknown[]) =>
        away ? Promise.reject(new Error('away')) : pool.query(text, values),
    }
    const audit = world.newAudit({ reserved, outboxLimit: 3 })
    await world.as(a, async () => {
      for (const n of [1, 2, 3, 4, 5]) await audit.log({ action: 'best.effort', details: { n } })
    })
    expect([audit.waiting, audit.lost]).toEqual([3, 2])
    away = false
    await audit.flush()
    expect(audit.waiting).toBe(0)
    const { events } = await world.as(a, () => audit.query({ action: 'best.effort' }))
    expect(events.map((event) => event.details['n'])).toEqual([5, 4, 3])
  })

  it('raises an alert event for a sensitive action', async () => {
    const events = createSecurityEvents()
    const seen: SecurityEvent[] = []
    events.on('*', (event) => seen.push(event))
    const audit = world.newAudit({ events, sensitiveActions: ['WIRE_TRANSFER'] })
    await world.as(world.a, async () => {
      await audit.log({ action: 'WIRE_TRANSFER', resource: 'transfers', resourceId: '1' })
      await audit.log({ action: 'invoice.viewed' })
    })
    expect(seen).toMatchObject([{ type: 'SENSITIVE_ACTION', action: 'WIRE_TRANSFER', tenantId: world.a.id }])
  })

  it('writes whatever an attacker puts into the fields', async () => {
    const { audit, a } = world
    const circular: Record<string, unknown> = { nul: 'a\u0000b', half: '\ud800', big: 10n, date: new Date(Number.NaN) }
    circular['self'] = circular
    Object.defineProperty(circular, 'trap', {
      enumerable: true,
      get() {
        throw new Error('trap')
      },
    })
    const hostile = `${'x\u0000'.repeat(600)}\ud800`
    await world.as(a, async () => {
      await audit.log(
        { action: 'hostile.input', resourceId: hostile, userAgent: hostile, ip: hostile, details: { circular } },
        { mode: 'required' },
      )
      await audit.log({ action: 'hostile.large', details: { large: 'y'.repeat(100_000) } }, { mode: 'required' })
    })
    const page = await world.as(a, () => audit.query({ action: 'hostile.large' }))
    expect(page.events[0]?.details).toMatchObject({ truncated: true, keys: ['large'] })
  })

  it('keeps personal values off the signed row, bound to it by a salted commitment', async () => {
    const { a, database } = world
    const audit = world.newAudit({ privateRequestInfo: true })
    const event = {
      action: 'user.invited',
      private: { email: 'ann@example.com' },
      privateSubject: 'ann',
      ip: '192.0.2.7',
    }
    await world.as(a, () => audit.log(event))
    const { rows } = await database.admin(
      `select e.ip, e.private_commitment, p.salt, p.data, p.subject from partywall.audit_events e
         join partywall.audit_private p on p.event_id = e.id where e.action = 'user.invited'`,
    )
    expect(rows).toHaveLength(1)
    const [row] = rows
    expect([row.ip, row.subject, row.data]).toEqual([null, 'ann', '{"email":"ann@example.com","ip":"192.0.2.7"}'])
    const hash = createHash('sha256').update(row.salt).update(row.data).digest()
    expect(row.private_commitment.equals(hash)).toBe(true)
  })

  it('writes system events where no tenant reads them', async () => {
    const { audit, a, database } = world
    await audit.logSystem({ action: 'AUTHENTICATION_FAILED', outcome: 'denied', details: { reason: 'expired' } })
    const page = await world.as(a, () => audit.query({ action: 'AUTHENTICATION_FAILED' }))
    expect(page.events).toHaveLength(0)
    const { rows } = await database.admin(
      "select tenant_id, role from partywall.audit_events where action = 'AUTHENTICATION_FAILED'",
    )
    expect(rows).toEqual([{ tenant_id: '', role: 'system' }])
  })

  it('takes tenant and user from the plain settings in a database without a seal key', async () => {
    const { a, database } = world
    const { rows: keys } = await database.admin('select * from partywall.seal_keys')
    await database.admin('delete from partywall.seal_keys')
    try {
      const pool = world.newPool({ seal: false })
      const audit = world.newAudit({ pool, reserved: pool, sealed: false, mode: 'required' })
      await world.as(a, async () => {
        await audit.log({ action: 'unsealed.event' })
        await audit.log({ action: 'unsealed.private', private: { email: 'x@example.com' } })
        const { events } = await audit.query({ action: 'unsealed.event' })
        expect(events).toMatchObject([{ tenantId: a.id, userId: a.userId, role: 'unsealed' }])
      })
    } finally {
      for (const key of keys) {
        await database.admin('insert into partywall.seal_keys (key_id, inner_pad, outer_pad) values ($1, $2, $3)', [
          key.key_id,
          key.inner_pad,
          key.outer_pad,
        ])
      }
    }
  })

  it('makes a missing month by itself', async () => {
    const { a, database, audit } = world
    const { rows } = await database.admin('select to_char(now() at time zone \'UTC\', \'"_y"YYYY"m"MM\') as month')
    const month: string = rows[0].month
    await database.admin(`alter table partywall.audit_events detach partition partywall.audit_events${month}`)
    await database.admin(`alter table partywall.audit_events${month} rename to kept_events`)
    await world.as(a, () => audit.log({ action: 'month.made' }, { mode: 'required' }))
    const { events } = await world.as(a, () => audit.query({ action: 'month.made' }))
    expect(events).toHaveLength(1)
  })
})
