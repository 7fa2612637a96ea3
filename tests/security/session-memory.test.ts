// What onConnect set is read before the first tenant: a tenant's own settings must never be taken for it.
import { beforeAll, expect, it } from 'vitest'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants

beforeAll(async () => {
  two = await createTwoTenants()
})

it('a setting that A made while the session was being read is not made again for B', async () => {
  const pool = two.pool({ onConnect: async (client) => void (await client.query("set datestyle = 'German, DMY'")) })
  try {
    await two.as(two.a, async () => {
      const client = await pool.connect()
      // Both are accepted before the session's settings have been read.
      await Promise.all([
        client.query(
          "select set_config('bytea_output', 'escape', false), set_config('extra_float_digits', '-5', false)",
        ),
        client.query('select 1'),
      ])
      client.release()
    })
    const seen = await two.as(two.b, () =>
      pool.query("select current_setting('bytea_output') as bytes, 0.123456789012345::float8 as number"),
    )
    expect(seen.rows).toEqual([{ bytes: 'hex', number: 0.123456789012345 }])
  } finally {
    await pool.end()
  }
})
