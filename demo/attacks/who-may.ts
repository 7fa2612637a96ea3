// Inside one tenant: permissions, the response guard, and a support visit.

import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { type AttackGroup, failureOf, outcome } from '../attack.ts'

export const whoMay: AttackGroup = {
  title: 'Who may: permissions, the guard, a support visit',
  attacks: [
    {
      id: 'permission-viewer',
      title: 'a viewer creates a document',
      layer: 'permissions',
      lines: ['completed-cross-tenant-access'],
      async run({ a }) {
        const token = await a.helper.token({ roles: ['viewer'] })
        const read = await a.api.get('/documents', { token })
        const write = await a.api.post('/documents', { title: 'by a viewer' }, { token })
        return outcome(read.status === 200 && write.status === 403, `reads ${read.status}, creates ${write.status}`)
      },
    },
    {
      id: 'permission-member',
      title: 'a member deletes a document: once through the API, once by SQL, once with the role raised',
      lines: ['completed-cross-tenant-access'],
      async run({ a, wall, admin }) {
        const token = await a.helper.token({ roles: ['member'] })
        const api = await a.api.delete(`/documents/${a.documentId}`, { token })
        const asMember = <T>(fn: () => T) => runWithTenant({ ...a.helper.context, roles: ['member'] }, fn)
        const text = `delete from documents where id = '${a.documentId}'`
        const sql = await failureOf(() => asMember(() => wall.pool.query(text)))
        await failureOf(() =>
          asMember(() =>
            wall.pool.query(
              `with raised as materialized (select set_config('role', 'tenant_admin', true))
               select query_to_xml('${text.replaceAll("'", "''")} returning id', true, false, '') from raised`,
            ),
          ),
        )
        const { rowCount } = await admin('select from documents where id = $1', [a.documentId])
        return outcome(
          (api.status === 403 || api.status === 404) && sql === '42501' && rowCount === 1,
          `API ${api.status}, SQL ${sql}, the document is ${rowCount === 1 ? 'still there' : 'gone'}`,
        )
      },
    },
    {
      id: 'guard-cache',
      title: 'a careless cache that forgets whose rows it holds',
      layer: 'guard',
      lines: ['output-guard', 'security-no-leak', 'completed-cross-tenant-access'],
      async run({ a, b }) {
        const title = `shared ${Date.now()}`
        await a.api.post('/documents', { title })
        await b.api.post('/documents', { title })
        const path = `/careless/cached?title=${encodeURIComponent(title)}`
        const first = await b.api.get(path)
        const second = await a.api.get(path)
        const leaked = second.text.includes(b.id)
        return outcome(
          first.status === 200 && second.status === 403 && !leaked,
          `Globex ${first.status}, Acme ${second.status}${leaked ? ' with rows of Globex' : ', nothing shown'}`,
        )
      },
    },
    {
      id: 'staff-visit',
      title: 'support visits Acme: reads, tries to write, and Acme can see who came',
      layer: 'audit',
      lines: ['completed-audit', 'security-audit-trail'],
      async run({ wall, a }) {
        const visit = { tenantId: a.id, actor: 'sam@support.example', reason: 'ticket 4711', expiresIn: '5m' } as const
        const read = await wall.actAs(visit, () => wall.pool.query('select count(*)::int as n from documents'))
        const write = await failureOf(() =>
          wall.actAs(visit, () => wall.pool.query("update documents set title = 'x'")),
        )
        const page = await a.helper.run(async () => wall.audit?.query({ action: 'STAFF_ACCESS' }))
        const seen = page?.events.some((event) => JSON.stringify(event).includes('sam@support.example')) === true
        return outcome(
          read.rows[0]?.n > 0 && write === '25006' && seen,
          `read ${read.rows[0]?.n} documents, write ${write}, ${seen ? 'named in the log of Acme' : 'not in the log of Acme'}`,
        )
      },
    },
  ],
}
