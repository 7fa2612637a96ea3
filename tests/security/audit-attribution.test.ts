// Who changed a row stands in the log whatever the statement does to its own settings while it runs.
import { beforeAll, describe, expect, it } from 'vitest'
import { type AuditWorld, createAuditWorld } from '../audit/audit-world.ts'

describe('change capture under injected SQL', () => {
  let world: AuditWorld

  beforeAll(async () => {
    world = await createAuditWorld()
    await world.database.admin("call partywall.audit_table('public.documents')")
  })

  const events = async () =>
    (await world.database.admin("select user_id, role from partywall.audit_events where action = 'documents.updated'"))
      .rows

  it.each([
    ['takes the seal away', "set_config('app.tenant_seal', '', true)"],
    [
      'takes seal, tenant and role away',
      "set_config('app.tenant_seal', '', true), set_config('app.current_tenant_id', '', true), set_config('role', 'none', true)",
    ],
  ])('nobody hides behind a statement that %s', async (_what, trick) => {
    const before = (await events()).length
    const title = `hidden ${before}`
    const attempt = world.as(world.a, () =>
      world.pool.query(`update documents set title = '${title}' where true returning id, ${trick}`),
    )
    await expect(attempt).rejects.toMatchObject({ code: '42501' })
    const { rows } = await world.database.admin('select from documents where title = $1', [title])
    expect(rows).toHaveLength(0)
    expect(await events()).toHaveLength(before)
  })

  it('names the user of an ordinary change, and the login of a migration', async () => {
    await world.as(world.a, () => world.pool.query("update documents set title = 'open'"))
    await world.database.admin("update documents set title = 'by hand' where tenant_id = $1", [world.a.id])
    expect(await events()).toEqual([
      { user_id: world.a.userId, role: 'tenant_admin' },
      { user_id: null, role: 'database' },
    ])
  })
})
