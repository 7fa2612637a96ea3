// What a client can do with HTTP itself, on the example's API: who is asking, what caches keep, what errors tell, and when.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { stillMember } from '../../examples/express-api/still-member.ts'
import type { Partywall } from '../../src/partywall.ts'
import { type ExampleKit, type ExampleTenant, startExample, TenantTestHelper } from '../helpers/tenant-test-helper.ts'

const MISSING = '00000000-0000-4000-8000-000000000000'

let example: ExampleKit
let wall: Partywall
let origin: URL
let a: ExampleTenant
let b: ExampleTenant

beforeAll(async () => {
  example = await startExample({
    agreement: { headers: ['x-tenant-id'], subdomainOf: 'app.example' },
    wall: (env) => ({ auth: { ...env.auth, authorize: stillMember(() => wall.pool) } }),
  })
  wall = example.wall
  origin = new URL(example.kit.baseUrl)
  a = await TenantTestHelper.create('a')
  b = await TenantTestHelper.create('b')
})

/** Bytes as they are: fetch() would tidy them up. Gives all that comes back until the server or the limit ends it. */
async function raw(bytes: string | Buffer, limitMs = 15_000): Promise<string> {
  const socket = connect(Number(origin.port), origin.hostname)
  socket.on('error', () => {}) // a server may cut what it does not like
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk.toString('latin1')
  })
  socket.write(bytes)
  // What is half a request, to the server, would be waited for.
  const limit = setTimeout(() => socket.destroy(), limitMs)
  await once(socket, 'close')
  clearTimeout(limit)
  return answer
}

const statuses = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
const lines = (...parts: readonly string[]) => `${parts.join('\r\n')}\r\n\r\n`
const bearer = async (tenant: ExampleTenant) => `Authorization: Bearer ${await tenant.token()}`
const host = () => `Host: ${origin.host}`

describe('who is asking, when headers are doubled or bent', () => {
  it('takes the first of two Authorization headers, as Node.js does, and never both', async () => {
    const answer = await raw(lines('GET /me HTTP/1.1', host(), await bearer(a), await bearer(b), 'Connection: close'))
    expect(answer).toContain(a.tenantId)
    expect(answer).not.toContain(b.tenantId)
  })

  it.each([
    ['own, then foreign', () => [a.tenantId, b.tenantId]],
    ['foreign, then own', () => [b.tenantId, a.tenantId]],
    ['own twice', () => [a.tenantId, a.tenantId]],
  ])('refuses X-Tenant-Id twice: %s', async (_order, ids) => {
    const doubled = ids().map((id, index) => `${index === 0 ? 'X-Tenant-Id' : 'x-TENANT-id'}: ${id}`)
    const answer = await raw(lines('GET /me HTTP/1.1', host(), await bearer(a), ...doubled, 'Connection: close'))
    expect(statuses(answer)).toEqual([403])
  })

  it.each([
    ['as it is', (key: string) => `${key}.app.example`],
    ['with a port', (key: string) => `${key}.app.example:8080`],
    ['in capitals', (key: string) => `${key.toUpperCase()}.APP.EXAMPLE`],
    ['with the dot of a full name', (key: string) => `${key}.app.example.`],
    ['below another', (key: string) => `x.${key}.app.example`],
  ])('refuses the host of another tenant, %s', async (_form, name) => {
    const ask = async (key: string) =>
      raw(lines('GET /documents HTTP/1.1', `Host: ${name(key)}`, await bearer(a), 'Connection: close'))
    expect(statuses(await ask(b.key))).toEqual([403])
  })

  it('believes no forwarded host, method or tenant', async () => {
    const headers = {
      'x-forwarded-host': `${b.key}.app.example`,
      forwarded: `host=${b.key}.app.example`,
      'x-http-method-override': 'DELETE',
      'x-original-url': `/documents/${b.documentId}`,
      'x-rewrite-url': `/documents/${b.documentId}`,
    }
    const answer = await a.api.get(`/documents/${a.documentId}?_method=DELETE`, { headers })
    expect(answer.status).toBe(200)
    expect((await a.api.get(`/documents/${a.documentId}`)).body.tenant_id).toBe(a.tenantId)
  })

  it('serves HTTP/1.0 without a host, to its own tenant', async () => {
    const answer = await raw(lines('GET /me HTTP/1.0', await bearer(a)))
    expect(answer).toContain(a.tenantId)
  })

  it('keeps requests apart that come in one piece on one connection', async () => {
    const requests = [await bearer(a), await bearer(b), '', await bearer(a)].map((token, index) =>
      ['GET /me HTTP/1.1', host(), token, index === 3 ? 'Connection: close' : ''].filter((line) => line !== ''),
    )
    const answer = await raw(requests.map((each) => lines(...each)).join(''))
    expect(statuses(answer)).toEqual([200, 200, 401, 200])
    const tenants = [...answer.matchAll(/"tenantId":"([^"]+)"/g)].map(([, id]) => id)
    expect(tenants).toEqual([a.tenantId, b.tenantId, a.tenantId])
  })

  it.each([
    ['two lengths', ['Content-Length: 2', 'Content-Length: 40']],
    ['a length and chunks', ['Content-Length: 4', 'Transfer-Encoding: chunked']],
    ['a space before the colon', ['Transfer-Encoding : chunked']],
    ['a folded header', ['X-A: b', ' Transfer-Encoding: chunked']],
  ])('runs no second request that is smuggled in a body by %s', async (_way, smuggling) => {
    const inner = lines(`DELETE /documents/${a.documentId} HTTP/1.1`, host(), await bearer(a))
    await raw(
      `${lines('POST /documents HTTP/1.1', host(), await bearer(b), ...smuggling)}0\r\n\r\n${inner.slice(0, -4)}`,
      1_000,
    )
    expect((await a.api.get(`/documents/${a.documentId}`)).status).toBe(200)
  })
})

describe('a membership that is over', () => {
  it.each([
    ['left', 'delete from users where tenant_id = $1 and id = $2'],
    ['was lowered', "update users set role = 'viewer' where tenant_id = $1 and id = $2"],
  ])('a token of a user who %s is refused like one of a suspended tenant', async (_how, sql) => {
    const c = await TenantTestHelper.create('c')
    const token = await c.token()
    expect((await c.api.get('/documents', { token })).status).toBe(200)
    await example.kit.admin(sql, [c.tenantId, c.userId])
    const stale = await c.api.get('/documents', { token })
    expect(stale.status).toBe(403)
    await c.suspend()
    const expected = { ...stale.body, instance: '' }
    await expect
      .poll(async () => ({ ...(await c.api.get('/documents', { token })).body, instance: '' }), { timeout: 2_000 })
      .toEqual(expected)
  })
})

describe('caches', () => {
  it.each([
    ['rows', () => `/documents/${a.documentId}`],
    ['a list', () => '/documents'],
    ['a refusal', () => `/documents/${MISSING}`],
    ['a route that does not exist', () => '/nowhere'],
  ])('may not keep %s for another client', async (_what, path) => {
    const { headers } = await a.api.get(path())
    expect(headers.get('cache-control')).toMatch(/^(private, no-cache|no-store)$/)
    expect(headers.get('vary')).toContain('Authorization')
  })

  it('a validator of one tenant is none of another', async () => {
    const etag = String((await b.api.get('/documents')).headers.get('etag'))
    const answer = await a.api.get('/documents', { headers: { 'if-none-match': etag } })
    expect(answer.status).toBe(200)
    const foreign = await a.api.get(`/documents/${b.documentId}`, { headers: { 'if-none-match': etag } })
    expect(foreign.status).toBe(404)
    expect(foreign.headers.has('etag')).toBe(false)
  })

  it.each([
    ['range', { range: 'bytes=0-1' }],
    ['if-range', { range: 'bytes=0-1', 'if-range': '"x"' }],
    ['if-match', { 'if-match': '*' }],
    ['if-modified-since', { 'if-modified-since': new Date().toUTCString() }],
  ])('%s shows no difference between a foreign and a missing row', async (_name, headers) => {
    const [foreign, missing] = [b.documentId, MISSING].map((id) => a.api.get(`/documents/${id}`, { headers }))
    const [one, other] = [await foreign, await missing]
    expect(one?.status).toBe(404)
    expect({ ...one?.body, instance: '' }).toEqual({ ...other?.body, instance: '' })
    expect([...(one?.headers.keys() ?? [])]).toEqual([...(other?.headers.keys() ?? [])])
  })
})

describe('bodies and queries that are not what they seem', () => {
  const json = { 'content-type': 'application/json' }

  it.each([
    ['cut', '{"title": "secret'],
    ['not JSON', 'title=secret'],
    ['a number', '7'],
    ['NaN', '{"title": NaN}'],
  ])('a body that is %s tells nothing, with and without a token', async (_what, body) => {
    const stranger = await a.api.request('POST', '/documents', { body, headers: json, token: null })
    expect(stranger.status).toBe(401) // nobody reads a stranger's body
    const answer = await a.api.request('POST', '/documents', { body, headers: json })
    expect(answer.status).toBe(400)
    expect(answer.text).not.toMatch(/secret|JSON|position|Unexpected|at /)
  })

  it('a body that is too large, or in an unknown charset, is the client’s mistake', async () => {
    const large = await a.api.request('POST', '/documents', {
      body: `{"title":"${'x'.repeat(1_100_000)}"}`,
      headers: json,
    })
    expect(large.status).toBe(413)
    const charset = { 'content-type': 'application/json; charset=x-unknown' }
    expect((await a.api.request('POST', '/documents', { body: '{}', headers: charset })).status).toBe(415)
  })

  it('of a doubled key the one that would be stored decides', async () => {
    const send = (first: string, second: string) =>
      a.api.post('/documents', `{"title":"x","tenant_id":"${first}","tenant_id":"${second}"}`)
    expect((await send(a.tenantId, b.tenantId)).status).toBe(403)
    const own = await send(b.tenantId, a.tenantId)
    expect([own.status, own.body.tenant_id]).toEqual([201, a.tenantId])
    // Both spellings at once are two tenants.
    const both = { title: 'x', tenant_id: a.tenantId, tenantId: b.tenantId }
    expect((await a.api.post('/documents', both)).status).toBe(403)
  })

  it.each([
    '{"__proto__":{"tenant_id":"B"},"title":"x"}',
    '{"constructor":{"prototype":{"tenant_id":"B"}},"title":"x"}',
    '[{"title":"x","__proto__":{"tenant_id":"B"}}]',
    '{"length":1,"0":{"title":"x"}}',
  ])('pollutes no prototype: %s', async (template) => {
    const body = template.replace('B', b.tenantId)
    for (const path of ['/documents', '/documents/bulk', `/projects/${a.projectId}/documents`]) {
      const answer = await a.api.post(path, body)
      expect([400, 403]).toContain(answer.status)
    }
    expect(Reflect.get({}, 'tenant_id')).toBeUndefined()
    const planted = await example.kit.admin("select from documents where tenant_id = $1 and title = 'x'", [b.tenantId])
    expect(planted.rowCount).toBe(0)
  })

  it.each([
    'limit[]=1',
    'limit=1&limit=2',
    'limit[0]=1',
    'after[]=x',
    'after=a&after=b',
    'offset=1e999',
    'orderBy[]=title:asc',
    'title[]=x&title[]=y',
    'title[__proto__]=x',
    'tenant_id[]=x',
    'limit=%00',
    '%ff=%fe',
    'title=%ff%fe',
    'title=%00',
  ])('?%s is refused or answered, and is no error of ours', async (query) => {
    const { status, text } = await a.api.get(`/documents?${query}`)
    expect([200, 400, 403]).toContain(status)
    expect(text).not.toContain(b.tenantId)
  })

  it.each([
    '/documents/%E0%A4%A',
    '/documents/%',
    '/documents/..%2f..%2fetc',
    '/%2e%2e/%2e%2e',
    '//documents',
    '/documents/%2F',
  ])('the path %s is a mistake of the client', async (path) => {
    const answer = await raw(lines(`GET ${path} HTTP/1.1`, host(), await bearer(a), 'Connection: close'))
    expect(statuses(answer).every((status) => [200, 400, 404].includes(status))).toBe(true)
    expect(answer).not.toMatch(/URIError|node_modules|decode/)
  })
})

describe('a stranger', () => {
  it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])(
    'learns by %s neither which routes nor which rows there are',
    async (method) => {
      const seen = []
      for (const path of ['/documents', `/documents/${a.documentId}`, '/nowhere', '/projects/x/documents', '/me']) {
        const { status, body, headers } = await a.api.request(method, path, { token: null })
        seen.push({ status, code: body?.code, names: [...headers.keys()] })
      }
      expect(seen[0]?.status).toBe(401)
      expect(new Set(seen.map((each) => JSON.stringify(each))).size).toBe(1)
    },
  )
})

describe('fuzzed bytes in headers', () => {
  it('never give a 500, a stack, or another tenant', { timeout: 60_000 }, async () => {
    const token = await a.token()
    const name = fc.constantFrom(
      'Authorization',
      'X-Tenant-Id',
      'Host',
      'Content-Type',
      'X-Request-Id',
      'If-None-Match',
      'Cookie',
    )
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((each) => Buffer.from(each).toString('latin1')),
      fc.string({ unit: 'binary', maxLength: 100 }),
      fc.uint8Array({ maxLength: 40 }).map((each) => `Bearer ${Buffer.from(each).toString('latin1')}`),
      fc
        .integer({ min: 0, max: token.length - 1 })
        .map((at) => `Bearer ${token.slice(0, at)}\x80${token.slice(at + 1)}`),
    )
    let answered = 0
    await fc.assert(
      fc.asyncProperty(name, bytes, fc.constantFrom('GET', 'POST', 'DELETE'), async (header, value, method) => {
        const own = header === 'Authorization' ? [] : [`Authorization: Bearer ${token}`]
        const text = lines(
          `${method} /documents/${MISSING} HTTP/1.1`,
          `${header}: ${value}`,
          ...own,
          'Connection: close',
        )
        const answer = await raw(Buffer.from(text, 'latin1'), 1_000)
        answered += statuses(answer).length
        for (const status of statuses(answer)) expect([400, 401, 403, 404, 405, 413, 415, 431]).toContain(status)
        expect(answer).not.toMatch(/ {4}at |node_modules/)
        expect(answer).not.toContain(b.tenantId)
      }),
      { numRuns: 150, endOnFailure: true },
    )
    expect(answered).toBeGreaterThan(100)
    expect((await a.api.get('/documents')).status).toBe(200)
  })

  it('an id for the request is ours', async () => {
    const given = randomUUID()
    const { headers } = await a.api.get('/me', { headers: { 'x-request-id': given } })
    expect(headers.get('x-request-id')).not.toBe(given)
  })
})
