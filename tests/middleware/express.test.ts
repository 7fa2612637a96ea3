import express from 'express'
import express4 from 'express-4'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  asyncRoute,
  getCurrentTenant,
  tenantContextMiddleware,
  tenantErrorHandler,
} from '../../src/middleware/express.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import type { TestIssuer } from '../setup/issuer.ts'
import { createTestWall, serve } from '../setup/wall.ts'

interface Document {
  readonly id: string
  readonly tenant_id: string
  readonly project_id: string | null
  readonly title: string
  readonly body: string
  readonly created_at: Date
}

const columns = {
  id: 'uuid',
  tenant_id: 'uuid',
  project_id: 'uuid',
  title: 'text',
  body: 'text',
  created_at: 'timestamptz',
} as const

const frameworks = [
  ['Express 5', express],
  ['Express 4', express4],
] as const

describe.each(frameworks)('tenantContextMiddleware on %s', (_name, framework) => {
  let database: TestDatabase
  let wall: Partywall
  let issuer: TestIssuer
  let a: TestTenant
  let b: TestTenant
  let url: string
  let context: unknown

  beforeAll(async () => {
    database = await createTestDatabase()
    ;({ wall, issuer } = await createTestWall(database))
    a = await createTestTenant(database)
    b = await createTestTenant(database)
    const documents = wall.repository<Document>({ table: 'documents', columns })
    const app = framework()
    app.use(tenantContextMiddleware(wall, { agreement: { subdomainOf: 'app.example', path: '/t/:tenant' } }))
    app.use(framework.json())
    app.get('/context', (request, response) => {
      context = request.tenantContext
      response.json(getCurrentTenant())
    })
    app.get('/t/:tenant/ping', (_request, response) => {
      response.json('pong')
    })
    app.get(
      '/documents/:id',
      asyncRoute(async (request, response) => {
        const found = await documents.findById(String(request.params['id']))
        if (found === undefined) response.status(404).json(null)
        else response.json(found)
      }),
    )
    app.put(
      '/documents/:id',
      asyncRoute(async (request, response) => {
        response.json(await documents.update(String(request.params['id']), request.body))
      }),
    )
    app.post(
      '/documents',
      asyncRoute(async (request, response) => {
        response.status(201).json(await documents.create(request.body))
      }),
    )
    app.get(
      '/broken-sql',
      asyncRoute(async () => {
        await wall.pool.query("select 'secret value'::integer")
      }),
    )
    app.get(
      '/late',
      asyncRoute(async (_request, response) => {
        response.write('partial')
        await new Promise((resolve) => setImmediate(resolve))
        throw new Error('secret detail')
      }),
    )
    app.get(
      '/throws',
      asyncRoute(async () => {
        await new Promise((resolve) => setImmediate(resolve))
        throw new Error('secret detail')
      }),
    )
    app.use(tenantErrorHandler())
    url = await serve(app)
  })

  const token = (tenant: TestTenant, claims: Record<string, unknown> = {}) =>
    issuer.sign({ claims: { org_id: tenant.key, sub: tenant.userId, ...claims } })

  async function call(path: string, bearer: string | undefined, init: RequestInit = {}) {
    const headers = new Headers(init.headers)
    if (bearer !== undefined) headers.set('authorization', `Bearer ${bearer}`)
    if (init.body !== undefined) headers.set('content-type', 'application/json')
    const response = await fetch(`${url}${path}`, { ...init, headers })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, body: JSON.parse(text === '' ? 'null' : text) }
  }

  it('opens the context that the token and the directory give', async () => {
    const answer = await call('/context', await token(a))
    expect(answer.body).toMatchObject({ tenantId: a.id, userId: a.userId, roles: ['admin'], tier: 'free' })
    expect(answer.headers.get('x-request-id')).toBe(answer.body.requestId)
    expect(Object.isFrozen(context)).toBe(true)
  })

  it('refuses a request without a token, with a problem document', async () => {
    const answer = await call('/context', undefined)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    expect(answer.headers.get('etag')).toBeNull()
    expect(answer.body).toMatchObject({
      code: 'PARTYWALL_AUTHENTICATION',
      status: 401,
      instance: answer.headers.get('x-request-id'),
    })
    expect(answer.body.type).toMatch(/#PARTYWALL_AUTHENTICATION$/)
  })

  it('gives a tenant its own row and hides the one of another', async () => {
    expect((await call(`/documents/${a.documentId}`, await token(a))).status).toBe(200)
    expect((await call(`/documents/${b.documentId}`, await token(a))).status).toBe(404)
  })

  it('answers a foreign row and a missing row alike on writing', async () => {
    const init = { method: 'PUT', body: '{"title":"x"}' }
    const foreign = await call(`/documents/${b.documentId}`, await token(a), init)
    const missing = await call('/documents/00000000-0000-4000-8000-000000000000', await token(a), init)
    expect(foreign.status).toBe(404)
    expect({ ...foreign.body, instance: '' }).toEqual({ ...missing.body, instance: '' })
  })

  it('refuses an injected tenant id with 403 before any row is looked for', async () => {
    const answer = await call('/documents', await token(a), {
      method: 'POST',
      body: JSON.stringify({ title: 'x', tenant_id: b.id }),
    })
    expect(answer.status).toBe(403)
    expect(answer.body.code).toBe('PARTYWALL_TENANT_ISOLATION')
  })

  it.each([
    ['header', { headers: { 'x-tenant-id': 'B' } }, '/context'],
    ['host', { headers: { host: 'B.app.example' } }, '/context'],
    ['path', {}, '/t/B/ping'],
    ['path in other letters', {}, '/T/B/ping'],
  ])(
    'refuses a %s that names another tenant, and reports it',
    async (_what, { headers }: { headers?: Record<string, string> }, path) => {
      const seen: unknown[] = []
      const stop = wall.events.on('CROSS_TENANT_ACCESS_ATTEMPT', (event) => seen.push(event))
      const named = Object.fromEntries(
        Object.entries(headers ?? {}).map(([name, value]) => [name, value.replace('B', b.key)]),
      )
      const { status, code } = await rawGet(url, path.replace('B', b.key), {
        ...named,
        authorization: `Bearer ${await token(a)}`,
      })
      stop()
      expect({ status, code }).toEqual({ status: 403, code: 'PARTYWALL_TENANT_ISOLATION' })
      expect(seen).toHaveLength(1)
      expect(seen[0]).toMatchObject({ tenantId: a.id })
    },
  )

  it('takes a header, host and path that agree', async () => {
    const headers = {
      'x-tenant-id': a.id.toUpperCase(),
      host: `${a.key}.app.example`,
      authorization: `Bearer ${await token(a)}`,
    }
    expect((await rawGet(url, `/t/${a.key}/ping`, headers)).status).toBe(200)
  })

  it('answers an unknown and a suspended tenant alike', async () => {
    const suspended = await createTestTenant(database, { status: 'suspended' })
    const first = await call('/context', await token(suspended))
    const second = await call('/context', await token({ ...a, key: 'nobody' }))
    expect(first.status).toBe(403)
    expect({ ...first.body, instance: '' }).toEqual({ ...second.body, instance: '' })
  })

  it('tells nothing of an error but its status', async () => {
    for (const path of ['/throws', '/broken-sql']) {
      const answer = await call(path, await token(a))
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.text).not.toContain('secret')
    }
  })

  it('cuts an answer whose handler fails after it began', async () => {
    await expect(call('/late', await token(a))).rejects.toThrow(/terminated|fetch failed/)
  })
})

describe('the log of a failed request', () => {
  it.each([
    ['42883', 'function is missing', 'function is missing'],
    ['22P02', 'invalid input "secret"', undefined],
  ])('names the cause %s, but no value that PostgreSQL quotes', async (code, message, logged) => {
    const lines: object[] = []
    const logger = { debug() {}, info() {}, warn() {}, error: (fields: object) => lines.push(fields) }
    const findByClaim = () => Promise.reject(Object.assign(new Error(message), { code }))
    const { wall, issuer } = await createTestWall(await createTestDatabase(), { tenants: { findByClaim }, logger })
    const app = express()
    app.use(tenantContextMiddleware(wall), tenantErrorHandler())
    const headers = { authorization: `Bearer ${await issuer.sign({ claims: { org_id: 'acme' } })}` }
    expect((await fetch(await serve(app), { headers })).status).toBe(503)
    expect(lines).toMatchObject([{ cause: { code, message: logged } }])
  })
})

/** fetch refuses to set Host. */
async function rawGet(
  url: string,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; code: unknown }> {
  const { request } = await import('node:http')
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part) => {
        text += part
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, code: JSON.parse(text)?.code }))
    })
    sent.on('error', reject)
    sent.end()
  })
}
