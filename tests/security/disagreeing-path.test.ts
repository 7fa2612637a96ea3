// A path only agrees with the token, in whatever form the request's target comes: what routes the request decides.
import { once } from 'node:events'
import { connect } from 'node:net'
import express from 'express'
import { beforeAll, describe, expect, it } from 'vitest'
import { tenantContextMiddleware, tenantErrorHandler } from '../../src/middleware/express.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { createTestWall, serve } from '../setup/wall.ts'

describe('a path that names another tenant', () => {
  let database: TestDatabase
  let own: TestTenant
  let other: TestTenant
  let origin: URL
  let token: string

  beforeAll(async () => {
    database = await createTestDatabase()
    own = await createTestTenant(database)
    other = await createTestTenant(database)
    const { wall, issuer } = await createTestWall(database)
    const app = express()
    app.use(tenantContextMiddleware(wall, { agreement: { path: '/t/:tenant' } }))
    app.get('/t/:tenant/documents', (request, response) => {
      response.json({ tenant: request.params.tenant })
    })
    app.use(tenantErrorHandler())
    origin = new URL(await serve(app))
    token = await issuer.sign({ claims: { org_id: own.key, sub: own.userId } })
  })

  /** fetch() would tidy the target up. */
  async function statusOf(target: string): Promise<number> {
    const socket = connect(Number(origin.port), origin.hostname)
    socket.write(
      `GET ${target} HTTP/1.1\r\nHost: ${origin.host}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
    )
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    await once(socket, 'close')
    return Number(answer.slice(9, 12))
  }

  it.each([
    ['as browsers send it', (key: string) => `/t/${key}/documents`],
    ['with a query', (key: string) => `/t/${key}/documents?x=/t/`],
    ['in absolute form', (key: string) => `http://example.com/t/${key}/documents`],
    ['in absolute form, of another scheme', (key: string) => `https://example.com/t/${key}/documents`],
    ['with backslashes and a fragment', (key: string) => `/t\\${key}\\documents#`],
    ['in another case', (key: string) => `/T/${key}/documents`],
  ])('is refused %s', async (_form, target) => {
    expect(await statusOf(target(other.key))).toBe(403)
    expect(await statusOf(target(own.key))).toBe(200)
  })

  it('agrees in absolute form', async () => {
    expect(await statusOf(`http://example.com/t/${own.key}/documents`)).toBe(200)
  })
})
