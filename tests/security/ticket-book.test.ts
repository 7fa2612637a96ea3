// The tickets that a pool has yet to register: never many, and no tenant's id keeps those of others out.
import { describe, expect, it } from 'vitest'
import { registerTickets } from '../../src/database/connection/session/register-tickets.ts'
import { SealSource } from '../../src/seal/seal-source.ts'
import { TicketBook } from '../../src/seal/ticket-book.ts'
import { untilTicketsKnown } from '../setup/known-tickets.ts'
import { createTwoTenants } from '../setup/two-tenants.ts'

const SLOT_MS = 900_000

describe('tickets that nobody registers', () => {
  it('are forgotten in the next slot of time', () => {
    const book = new TicketBook(new SealSource('a secret of more than 32 characters.'))
    const note = (tenantId: string, now: number) => book.current({ database: 'd', tenantId, readOnly: false }, now)
    for (let tenant = 0; tenant < 500; tenant++) note(`tenant ${tenant}`, SLOT_MS)
    note('the last', 2 * SLOT_MS)
    const batch = book.nextBatch()
    expect(batch?.text).toContain('the last')
    expect(book.nextBatch()).toBeUndefined()
  })
})

describe('registrations that fail', () => {
  it('are told of once, when several have failed in a row', () => {
    const book = new TicketBook(new SealSource('a secret of more than 32 characters.'))
    let now = Date.now()
    const next = () => {
      now += 60_000
      book.current({ database: 'd', tenantId: `tenant at ${now}`, readOnly: false }, now)
      return book.nextBatch()
    }
    expect([next()?.failed(), next()?.failed()]).toEqual([false, false])
    next()?.registered()
    expect([next()?.failed(), next()?.failed(), next()?.failed(), next()?.failed()]).toEqual([
      false,
      false,
      true,
      false,
    ])
  })

  it('are logged with their reason', async () => {
    const warned: unknown[] = []
    const warn = (fields: object) => void warned.push(fields)
    const book = new TicketBook(new SealSource('a secret of more than 32 characters.'))
    const logger = { debug() {}, info() {}, warn, error: warn }
    let now = Date.now()
    for (let time = 0; time < 3; time++) {
      now += 60_000
      book.current({ database: 'd', tenantId: `tenant ${time}`, readOnly: false }, now)
      const refuse = () => Promise.reject(new Error('permission denied'))
      await registerTickets({ guard: { settings: { tickets: book, logger } as never }, query: refuse })
    }
    expect(warned).toEqual([{ reason: 'permission denied' }])
  })
})

describe('a tenant whose id is no valid Unicode', () => {
  it('does not keep other tenants’ tickets from being registered', async () => {
    const two = await createTwoTenants()
    const pool = two.pool()
    const odd = { ...two.a, id: 'half a pair: \ud83d' }
    await two.as(odd, () => pool.query('select 1'))
    await untilTicketsKnown(pool, [two.b])
    expect(
      (await two.database.admin("select tenant_id from partywall.tickets where tenant_id like 'half%'")).rows,
    ).toEqual([{ tenant_id: 'half a pair: \ufffd' }])
    await pool.end()
  })
})
