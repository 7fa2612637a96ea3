import { beforeAll, describe, expect, it } from 'vitest'
import { type AuditWorld, createAuditWorld } from './audit-world.ts'

describe('change capture', () => {
  let world: AuditWorld
  beforeAll(async () => {
    world = await createAuditWorld()
    await world.database.admin("call partywall.audit_table('public.documents', redact => array['body']::name[])")
  })

  const events = (action: string) => world.as(world.a, async () => (await world.audit.query({ action })).events)

  it('writes who changed which columns of a row, with redacted ones hidden', async () => {
    const { a, pool } = world
    await world.as(a, () =>
      pool.query('update documents set title = $1, body = $2 where id = $3', ['after', 'very secret', a.documentId]),
    )
    const [event] = await events('documents.updated')
    expect(event).toMatchObject({
      userId: a.userId,
      resource: 'public.documents',
      resourceId: a.documentId,
      details: {
        old: { title: 'First document', body: '[redacted]' },
        new: { title: 'after', body: '[redacted]' },
      },
    })
    expect(JSON.stringify(event)).not.toContain('secret')
  })

  it('leaves nothing of a change that is rolled back, and nothing where nothing changed', async () => {
    const { a, pool } = world
    const before = (await events('documents.updated')).length
    await world
      .as(a, () =>
        pool.transaction(async (tx) => {
          await tx.query("update documents set title = 'never'")
          throw new Error('no')
        }),
      )
      .catch(() => {})
    await world.as(a, () => pool.query('update documents set title = title'))
    expect(await events('documents.updated')).toHaveLength(before)
  })

  it('writes deletions, and keeps an enormous row within bounds', async () => {
    const { a, pool } = world
    await world.as(a, async () => {
      await pool.query('insert into documents (title) values ($1)', ['x'.repeat(50_000)])
      await pool.query('delete from documents where length(title) = 50000')
    })
    expect((await events('documents.created'))[0]?.details).toMatchObject({ truncated: true })
    expect(await events('documents.deleted')).toHaveLength(1)
  })

  it('files what psql changed under the tenant of the row and the login that did it', async () => {
    await world.database.admin("update public.documents set title = 'by hand' where tenant_id = $1", [world.a.id])
    const [event] = await events('documents.updated')
    expect(event).toMatchObject({ role: 'database', userId: undefined, actor: { id: 'postgres' } })
  })
})
