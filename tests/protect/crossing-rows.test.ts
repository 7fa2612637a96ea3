// Rows that refer to another tenant's row are named before the migration runs, and the migration says why it stops at them.
import { describe, expect, it } from 'vitest'
import type { Queryable } from '../../src/catalog/model.ts'
import { readCrossings } from '../../src/protect/crossing/read-crossings.ts'
import { apply, type ProtectCase, withProtectCase } from './protect-case.ts'
import { A, B, UUID_SCHEMA } from './schemas.ts'

/** A task has its tenant from its project, and an assignee of a tenant. A task may follow another one. */
const SCHEMA = `${UUID_SCHEMA}
  alter table tasks add assignee_id uuid references users (id), add follows_id uuid references tasks (id);
  update tasks set assignee_id = (select owner_id from projects where id = project_id);`

/** The notes about rows of two tenants. */
async function notesOf(given: ProtectCase): Promise<readonly string[]> {
  const { notes } = await given.plan({ appRole: given.appRole })
  return notes.filter((note) => note.includes('another tenant'))
}

function queryable({ owner }: ProtectCase): Queryable {
  return { query: (text, values) => owner.query(text, values === undefined ? undefined : [...values]) }
}

const REASSIGN = `update tasks set assignee_id = (select id from users where tenant_id = '${B}')
  where id in (select t.id from tasks t join projects p on p.id = t.project_id where p.tenant_id = '${A}' limit 2)`

describe('rows that refer to a row of another tenant', () => {
  it('are none in a clean database, and protect says at how many keys it looked', async () => {
    await withProtectCase(SCHEMA, async (given) => {
      expect(await notesOf(given)).toEqual([
        "No row refers to another tenant's row, by 3 foreign keys without the tenant, in this database",
      ])
    })
  })

  it('are counted and listed, also where the tenant comes from a parent', async () => {
    await withProtectCase(SCHEMA, async (given) => {
      await given.owner.query(REASSIGN)
      const [note = ''] = await notesOf(given)
      expect(note).toContain(
        'BEFORE YOU RUN IT: 2 rows of public.tasks refer by assignee_id to a row of public.users that belongs to another tenant, or to none (key tasks_assignee_id_fkey). The migration stops at them',
      )
      const listed = await given.owner.query(note.split('\n')[1] ?? '')
      expect(listed.rows).toHaveLength(2)
      expect(listed.rows[0]).toMatchObject({ tenant: A, tenant_of_parent: B })
      expect(Object.keys(listed.rows[0])).toEqual(['id', 'assignee_id', 'tenant', 'tenant_of_parent'])
    })
  })

  it('stop the migration with the reason and the query, and no longer once they are corrected', async () => {
    await withProtectCase(SCHEMA, async (given) => {
      await given.owner.query(REASSIGN)
      const plan = await given.plan({ appRole: given.appRole })
      const stopped = await apply(given.owner, plan, 'up').catch((error: unknown) => error)
      const cause = stopped instanceof Error ? stopped.cause : undefined
      expect(cause).toMatchObject({ code: '23503' })
      expect(String(cause)).toContain(
        'rows of public.tasks refer to a row of public.users that belongs to another tenant, or to none: ',
      )
      const hint = String(Reflect.get(Object(cause), 'hint'))
      const listed = await given.owner.query(hint.slice(hint.indexOf('SELECT')))
      expect(listed.rows).toHaveLength(2)
      await given.owner.query('update tasks set assignee_id = null where id = any ($1)', [
        listed.rows.map((row) => row.id),
      ])
      await apply(given.owner, plan, 'up')
    })
  })

  it('are told of too where a person decides about the key, and then the migration does not stop', async () => {
    const schema = SCHEMA.replace('references users (id), add', 'references users (id) on update set null, add')
    await withProtectCase(schema, async (given) => {
      await given.owner.query(REASSIGN)
      const [note = ''] = await notesOf(given)
      expect(note).toContain(
        'The migration does not stop at them, and the key tasks_assignee_id_fkey stays without the tenant',
      )
      await apply(given.owner, await given.plan({ appRole: given.appRole }), 'up')
    })
  })

  it('are not denied where nobody could look: row-level security, or a query that takes too long', async () => {
    await withProtectCase(SCHEMA, async (given) => {
      const { crossingChecks } = await given.plan({ appRole: given.appRole })
      await given.admin.query('begin; lock table users in access exclusive mode')
      await given.owner.query('begin')
      const reasons = (await readCrossings(queryable(given), crossingChecks)).map((crossing) =>
        'unread' in crossing ? crossing.unread : crossing.found,
      )
      expect(reasons).toEqual(expect.arrayContaining(['the query took more than 5 seconds', 0]))
      await given.owner.query('commit')
      await given.admin.query('commit')
      await given.admin.query('alter table users enable row level security, force row level security')
      const unread = (await notesOf(given)).filter((note) => note.includes('is not known: row-level security hides'))
      expect(unread).toHaveLength(2)
    })
  })

  it('are sought for half a minute at most', async () => {
    await withProtectCase(SCHEMA, async (given) => {
      const { crossingChecks } = await given.plan({ appRole: given.appRole })
      await given.owner.query('begin')
      let clock = 0
      const found = await readCrossings(queryable(given), crossingChecks, () => (clock += 20_000))
      await given.owner.query('rollback')
      expect(found.map((crossing) => 'unread' in crossing)).toEqual([false, true, true])
    })
  })
})
