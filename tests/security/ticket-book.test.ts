// The tickets that a pool has yet to register: never many, and no tenant's id keeps those of others out.
import { describe, expect, it } from 'vitest'
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
