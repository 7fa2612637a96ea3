// Tenant A's requests with ids of tenant B. The answers must be those for ids that do not exist.
import type { ApiAnswer } from '../../src/testing/test-api.ts'
import { type Attack, type AttackGroup, outcome } from '../attack.ts'
import type { Stage } from '../stage.ts'

const MISSING = '00000000-0000-4000-8000-000000000000'
/** Headers that may differ between two refusals of the same kind. */
const VOLATILE = /^(date|x-request-id|x-ratelimit-.*|ratelimit|ratelimit-policy|retry-after)$/

const resources = ['documents', 'projects', 'users'] as const
const verbs = ['GET', 'PUT', 'PATCH', 'DELETE'] as const
const changes = { documents: { title: 'x' }, projects: { name: 'x' }, users: { name: 'x' } }

function victim(stage: Stage, resource: (typeof resources)[number]): string {
  const { b } = stage
  return { documents: b.documentId, projects: b.projectId, users: b.colleagueId }[resource]
}

/** Everything in which a client could see a difference between two answers. */
function visible({ status, headers, body }: ApiAnswer): string {
  const kept = [...headers].filter(([name]) => !VOLATILE.test(name))
  const shown = body !== null && typeof body === 'object' ? { ...body, instance: '' } : body
  return JSON.stringify({ status, kept, shown })
}

const byId: readonly Attack[] = resources.flatMap((resource) =>
  verbs.map(
    (verb): Attack => ({
      id: `other-id-${verb.toLowerCase()}-${resource}`,
      title: `${verb} /${resource}/<id of Globex>`,
      lines: ['security-no-leak', 'completed-cross-tenant-access', 'completed-repository'],
      async run(stage) {
        const body = verb === 'GET' || verb === 'DELETE' ? undefined : changes[resource]
        const id = victim(stage, resource)
        const foreign = await stage.a.api.request(verb, `/${resource}/${id}`, { body })
        const missing = await stage.a.api.request(verb, `/${resource}/${MISSING}`, { body })
        const { rowCount } = await stage.admin(`select from ${resource} where id = $1 and tenant_id = $2`, [
          id,
          stage.b.id,
        ])
        const same = visible(foreign) === visible(missing)
        return outcome(
          foreign.status === 404 && same && rowCount === 1,
          `${foreign.status}${same ? ', as for an id that does not exist' : ', other than for a missing id'}`,
        )
      },
    }),
  ),
)

const lists: readonly Attack[] = ['/documents', '/projects', '/users', '/documents?limit=1000&orderBy=title:asc'].map(
  (path): Attack => ({
    id: `list${path.replace(/\W+/g, '-')}`,
    title: `GET ${path}`,
    lines: ['security-no-leak', 'completed-cross-tenant-access'],
    async run({ a, b }) {
      const { status, text, body } = await a.api.get(path)
      const own = Array.isArray(body?.items) && body.items.length > 0
      const foreign = text.includes(b.id) || text.includes(b.secret)
      return outcome(
        status === 200 && own && !foreign,
        `${body?.items?.length ?? 0} rows, ${foreign ? 'Globex among them' : 'all own'}`,
      )
    },
  }),
)

const nested: readonly Attack[] = (['GET', 'POST'] as const).map(
  (verb): Attack => ({
    id: `nested-${verb.toLowerCase()}`,
    title: `${verb} /projects/<id of Globex>/documents`,
    lines: ['security-no-leak', 'completed-cross-tenant-access'],
    async run({ a, b }) {
      const body = verb === 'POST' ? { title: 'x' } : undefined
      const foreign = await a.api.request(verb, `/projects/${b.projectId}/documents`, { body })
      const missing = await a.api.request(verb, `/projects/${MISSING}/documents`, { body })
      return outcome(foreign.status === 404 && visible(foreign) === visible(missing), String(foreign.status))
    },
  }),
)

const injected: readonly Attack[] = (
  [
    ['POST', '/documents', 'tenant_id'],
    ['POST', '/documents', 'tenantId'],
    ['POST', '/projects', 'tenant_id'],
    ['POST', '/users', 'tenant_id'],
    ['PATCH', '/documents', 'tenant_id'],
    ['PUT', '/projects', 'tenant_id'],
  ] as const
).map(
  ([verb, path, field]): Attack => ({
    id: `injected-${verb.toLowerCase()}-${path.slice(1)}-${field}`,
    title: `${verb} ${path} with ${field} of Globex in the body`,
    lines: ['security-no-leak', 'completed-cross-tenant-access', 'completed-repository'],
    async run({ a, b, admin }) {
      const own = { '/documents': a.documentId, '/projects': a.projectId, '/users': a.colleagueId }[path]
      const body = { title: 'planted', name: 'planted', email: 'planted@example.com', [field]: b.id }
      const count = async () => (await admin(`select from ${path.slice(1)} where tenant_id = $1`, [b.id])).rowCount
      const before = await count()
      const { status } = await a.api.request(verb, verb === 'POST' ? path : `${path}/${own}`, { body })
      return outcome((status === 403 || status === 400) && before === (await count()), `${status}, nothing planted`)
    },
  }),
)

export const otherIds: AttackGroup = {
  title: "Globex's ids in Acme's requests",
  attacks: [...byId, ...lists, ...nested, ...injected],
}
