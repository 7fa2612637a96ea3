// A crossing's connection serves one crossing after the other: a statement must leave nothing on it.
import { beforeAll, expect, it } from 'vitest'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants

beforeAll(async () => {
  two = await createTwoTenants()
})

it.each([
  'set session characteristics as transaction read write',
  'listen somebody',
  "do $$ begin perform set_config('app.left', 'by a crossing', false); end $$",
])('is refused on a client that was taken out in a crossing: %s', async (text) => {
  const pool = two.pool({ acrossTenantsUrl: two.database.acrossUrl })
  try {
    await pool.runAcrossTenants({ reason: 'a test', actor: 'staff' }, async () => {
      const client = await pool.connect()
      try {
        await client.query('select count(*) from documents')
        await expect(client.query(text)).rejects.toMatchObject({ code: 'PARTYWALL_STATEMENT_REFUSED' })
      } finally {
        client.release()
      }
    })
  } finally {
    await pool.end()
  }
})
