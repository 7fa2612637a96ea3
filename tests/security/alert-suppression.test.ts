// Injected SQL may call the function of the outbox: what it adds must not hold up another tenant's alerts, or take them in.
import { beforeAll, expect, it } from 'vitest'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants

beforeAll(async () => {
  two = await createTwoTenants()
})

it('an alert of A, with the source of B’s and a time to come, leaves B’s alert alone', async () => {
  const pool = two.pool()
  const add = (tenant: { readonly id: string }, at: string, windowMs: number) =>
    pool.query(
      `select partywall.alert_outbox_add(array['mail'], $1, 'the same source', 'TOKEN_ATTACK', '{}', 1, ${at}, ${at}, $2)`,
      [tenant.id, windowMs],
    )
  try {
    await two.as(two.a, () => add(two.a, "'2099-01-01'", 1e15))
    await two.as(two.b, () => add(two.b, 'now()', 60_000))
    await two.as(two.a, () => add(two.a, 'now()', 60_000))
  } finally {
    await pool.end()
  }
  const { rows } = await two.database.admin(
    "select stream, count, due_at < now() + interval '1 day' as soon from partywall.alerts order by seq",
  )
  expect(rows).toEqual([
    { stream: two.a.id, count: '2', soon: true },
    { stream: two.b.id, count: '1', soon: true },
  ])
})
