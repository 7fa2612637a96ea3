// A tenant leaves a time limit so short that the clean-up of its connection is cut off. The next tenant must not pay for it.
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ConnectionGuard } from '../../src/database/connection/session/connection-guard.ts'
import {
  contextFailure,
  maySendAgain,
  precedesStatement,
} from '../../src/database/connection/session/context-failure.ts'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { createSecurityEvents } from '../../src/events/security-events.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants

beforeAll(async () => {
  two = await createTwoTenants()
})

/** RESET ALL of so many settings takes far longer than a millisecond. */
const LEAVE_A_SHORT_LIMIT = `
  select count(set_config('app.left_' || n, 'x', false)), set_config('statement_timeout', '1', false)
    from generate_series(1, 60000) n`

/** @returns why connections were destroyed */
async function asTenantB(work: (pool: TenantPool) => Promise<unknown>): Promise<readonly string[]> {
  const events = createSecurityEvents()
  const destroyed: string[] = []
  events.on('CONNECTION_DESTROYED', ({ reason }) => destroyed.push(reason))
  const pool = two.pool({ max: 1, events })
  try {
    await two.as(two.a, () => pool.query(LEAVE_A_SHORT_LIMIT))
    await two.as(two.b, () => work(pool))
    return destroyed
  } finally {
    await pool.end()
  }
}

const CUT_SHORT = 'a time limit of its last tenant cut its clean-up short'

describe('a time limit that cuts the clean-up short', () => {
  it('costs the next tenant’s statement nothing: another connection runs it', async () => {
    const destroyed = await asTenantB(async (pool) => {
      const { rows } = await pool.query('select distinct tenant_id from documents where $1::int = 1', [1])
      expect(rows).toEqual([{ tenant_id: two.b.id }])
    })
    expect(destroyed).toEqual([CUT_SHORT])
  })

  // Whether a limit of a millisecond ends the session before or after the clean-up is a race: the server's own error is judged here.
  it('lets the statement be sent again where the limit ended the whole session', async () => {
    const client = new pg.Client({ connectionString: two.database.adminUrl })
    client.on('error', () => {})
    await client.connect()
    await client.query("set transaction_timeout to '50ms'")
    const error: Error = await client.query('select pg_sleep(30)').catch((thrown) => thrown)
    expect(error).toMatchObject({ code: '25P04', severity: 'FATAL' })
    const discarded: string[] = []
    const guard = {
      settings: { pooler: false },
      discard: (reason: string) => discarded.push(reason),
    } as unknown as ConnectionGuard
    expect(maySendAgain(contextFailure(error, guard, { kind: 'data', left: 2, inTransaction: false }))).toBe(true)
    expect(discarded).toEqual([CUT_SHORT])
  })

  // Behind a pooler no clean-up is sent, so the limit of the last tenant holds until the context is set.
  it.each([
    ['a statement', { kind: 'data', left: 1, inTransaction: false }, true],
    ['BEGIN', { kind: 'begin', left: 0, inTransaction: false }, true],
    [
      'a later statement of a transaction, whose first ones did run',
      { kind: 'data', left: 1, inTransaction: true },
      false,
    ],
  ] as const)('behind a pooler, the limit lets %s be sent again where nothing has run', async (_name, place, again) => {
    const client = new pg.Client({ connectionString: two.database.adminUrl })
    await client.connect()
    await client.query("set statement_timeout to '1ms'")
    const error: Error = await client.query('select pg_sleep(30)').catch((thrown) => thrown)
    await client.end()
    expect(error).toMatchObject({ code: '57014' })
    const guard = { settings: { pooler: true }, discard: () => {} } as unknown as ConnectionGuard
    expect(precedesStatement(error, guard, place)).toBe(true)
    expect(maySendAgain(contextFailure(error, guard, place))).toBe(again)
  })

  it('runs a write once', async () => {
    await asTenantB((pool) => pool.query("insert into documents (title) values ('written once')"))
    const stored = await two.database.admin("delete from documents where title = 'written once' returning tenant_id")
    expect(stored.rows).toEqual([{ tenant_id: two.b.id }])
  })

  it('answers a callback once, in the caller’s context', async () => {
    const answers: unknown[] = []
    await asTenantB(
      (pool) =>
        new Promise<void>((resolve) => {
          pool.query('select distinct tenant_id from documents', (error: unknown, result: { rows: unknown[] }) => {
            answers.push(error ?? result.rows)
            resolve()
          })
        }),
    )
    expect(answers).toEqual([[{ tenant_id: two.b.id }]])
  })

  it('lets a transaction begin on another connection', async () => {
    let runs = 0
    const destroyed = await asTenantB((pool) =>
      pool.transaction(async (transaction) => {
        runs++
        const { rows } = await transaction.query('select distinct tenant_id from documents')
        expect(rows).toEqual([{ tenant_id: two.b.id }])
      }),
    )
    expect(runs).toBe(1)
    expect(destroyed).toEqual([CUT_SHORT])
  })
})
