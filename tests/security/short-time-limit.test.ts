// A tenant leaves a time limit so short that the clean-up of its connection is cut off. The next tenant must not pay for it.
import { beforeAll, describe, expect, it } from 'vitest'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { createSecurityEvents } from '../../src/events/security-events.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants

beforeAll(async () => {
  two = await createTwoTenants()
})

/** RESET ALL of so many settings takes far longer than a millisecond. */
const leaveShort = (limit: string) => `
  select count(set_config('app.left_' || n, 'x', false)), set_config('${limit}', '1', false)
    from generate_series(1, 60000) n`

/** @returns why connections were destroyed */
async function asTenantB(
  work: (pool: TenantPool) => Promise<unknown>,
  limit = 'statement_timeout',
): Promise<readonly string[]> {
  const events = createSecurityEvents()
  const destroyed: string[] = []
  events.on('CONNECTION_DESTROYED', ({ reason }) => destroyed.push(reason))
  const pool = two.pool({ max: 1, events })
  try {
    await two.as(two.a, () => pool.query(leaveShort(limit)))
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

  it('costs it nothing where the limit ends the whole session, either', async () => {
    const destroyed = await asTenantB(async (pool) => {
      const { rows } = await pool.query('select distinct tenant_id from documents')
      expect(rows).toEqual([{ tenant_id: two.b.id }])
    }, 'transaction_timeout')
    expect(destroyed).toEqual([CUT_SHORT])
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
