// The same scenarios of two tenants for each example, on a real port and a real PostgreSQL.
import { beforeAll, describe, expect, it } from 'vitest'
import { exampleAccess } from '../../examples/express-api/access.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import type { TestIssuer } from '../setup/issuer.ts'
import { createTestWall } from '../setup/wall.ts'

/** What an example is served with. One that makes its own wall takes the database and the issuer. */
export interface ExampleStage {
  readonly wall: Partywall
  readonly database: TestDatabase
  readonly issuer: TestIssuer
}

const MISSING = '00000000-0000-4000-8000-000000000000'

/**
 * Runs the scenarios against one example.
 *
 * @param name of the example
 * @param start serves the example and returns its URL, such as `http://127.0.0.1:3000`. It may call `afterAll`
 */
export function isolationScenarios(name: string, start: (stage: ExampleStage) => Promise<string>): void {
  describe(`the example of ${name}`, () => scenarios(start))
}

function scenarios(start: (stage: ExampleStage) => Promise<string>): void {
  let database: TestDatabase
  let issuer: TestIssuer
  let url: string
  let a: TestTenant
  let b: TestTenant
  beforeAll(async () => {
    database = await createTestDatabase()
    const made = await createTestWall(database, { access: exampleAccess })
    issuer = made.issuer
    a = await createTestTenant(database)
    b = await createTestTenant(database)
    url = await start({ wall: made.wall, database, issuer })
  })

  interface Sending {
    readonly method?: string
    readonly body?: unknown
    readonly roles?: readonly string[]
    readonly headers?: Readonly<Record<string, string>>
  }
  async function as(
    tenant: TestTenant,
    path: string,
    { method = 'GET', body, roles = ['owner'], headers }: Sending = {},
  ) {
    const token = await issuer.sign({ claims: { org_id: tenant.key, sub: tenant.userId, roles } })
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: answer.status, text: await answer.text() }
  }
  const rowsOf = async (tenant: TestTenant) =>
    (await database.admin('select id, title, project_id from documents where tenant_id = $1 order by id', [tenant.id]))
      .rows

  it('lists the documents of its own tenant, in 60 requests of both at once', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => as(n % 2 === 0 ? a : b, '/documents')))
    for (const [n, { status, text }] of answers.entries()) {
      const [own, other] = n % 2 === 0 ? [a, b] : [b, a]
      expect(status).toBe(200)
      expect(text).toContain(own.documentId)
      expect(text).not.toContain(other.documentId)
      expect(text).not.toContain(other.id)
    }
  })

  it.each(['GET', 'PUT', 'DELETE'])(
    '%s answers the same for a foreign document and for none, and leaves it',
    async (method) => {
      const before = await rowsOf(b)
      const body = method === 'PUT' ? { title: 'taken over' } : undefined
      const [foreign, missing] = [
        await as(a, `/documents/${b.documentId}`, { method, body }),
        await as(a, `/documents/${MISSING}`, { method, body }),
      ]
      expect(foreign.status).toBe(404)
      expect(withoutIds(foreign)).toEqual(withoutIds(missing))
      expect(await rowsOf(b)).toEqual(before)
    },
  )

  it('creates, changes and deletes its own', async () => {
    const made = await as(a, '/documents', { method: 'POST', body: { title: 'made', project_id: a.projectId } })
    expect(made.status).toBe(201)
    const { id } = JSON.parse(made.text)
    expect((await as(a, `/documents/${id}`, { method: 'PUT', body: { title: 'changed' } })).status).toBe(200)
    expect((await rowsOf(a)).find((row) => row.id === id)).toMatchObject({ title: 'changed', project_id: a.projectId })
    expect((await as(a, `/documents/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await rowsOf(a)).some((row) => row.id === id)).toBe(false)
  })

  it.each([
    ['another tenant’s id', () => ({ title: 'x', tenant_id: b.id })],
    ['another tenant’s id in another spelling', () => ({ title: 'x', tenantId: b.id })],
    ['another tenant’s project', () => ({ title: 'x', project_id: b.projectId })],
  ])('refuses %s in a body, and writes nothing', async (_what, body) => {
    const before = [await rowsOf(a), await rowsOf(b)]
    const { status } = await as(a, '/documents', { method: 'POST', body: body() })
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
    expect([await rowsOf(a), await rowsOf(b)]).toEqual(before)
  })

  it.each(["1' or '1'='1", 'null', '%00', '..%2f'])('finds nothing by the id %s', async (id) => {
    const { status, text } = await as(a, `/documents/${encodeURIComponent(id)}`)
    expect([400, 404]).toContain(status)
    expect(text).not.toContain(b.id)
  })

  it('refuses no token, a hint for another tenant, and a role without the permission', async () => {
    expect((await fetch(`${url}/documents`)).status).toBe(401)
    expect((await as(a, '/documents', { headers: { 'x-tenant-id': b.key } })).status).toBe(403)
    const viewer = { roles: ['viewer'], method: 'POST', body: { title: 'x' } }
    expect((await as(a, '/documents', viewer)).status).toBe(403)
    const member = { roles: ['member'], method: 'DELETE' }
    expect((await as(a, `/documents/${a.documentId}`, member)).status).toBe(403)
    expect((await rowsOf(a)).some(({ id }) => id === a.documentId)).toBe(true)
  })
}

/** An answer without the id of its request. */
function withoutIds({ status, text }: { readonly status: number; readonly text: string }) {
  return { status, text: text.replace(/"instance":"[^"]*"/, '') }
}
