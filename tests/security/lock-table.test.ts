// What docs/rules/lock-table.md says of LOCK: the pool refuses the command, and a function that contains it runs.
import { beforeAll, expect, it } from 'vitest'
import { openSession } from '../init/session.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants
beforeAll(async () => {
  two = await createTwoTenants()
})

it('refuses LOCK as a command, and not a function that locks the table', async () => {
  const owner = await openSession(two.database.adminUrl)
  try {
    await owner.query(`create function lock_documents() returns void language plpgsql as
      'begin lock table documents in access exclusive mode; end'`)
  } finally {
    await owner.end()
  }
  await two.withPool({}, async (pool) => {
    await two.as(two.a, async () => {
      await expect(pool.query('lock table documents in access exclusive mode')).rejects.toMatchObject({
        code: 'PARTYWALL_STATEMENT_REFUSED',
      })
      await expect(pool.query('select lock_documents()')).resolves.toMatchObject({ rowCount: 1 })
    })
  })
  await two.withPool({ allowStatements: ['LOCK'] }, async (pool) => {
    await two.as(two.a, async () => {
      const client = await pool.connect()
      try {
        await client.query('begin')
        await expect(client.query('lock table documents in access exclusive mode')).resolves.toBeDefined()
        await client.query('rollback')
      } finally {
        client.release()
      }
    })
  })
})
