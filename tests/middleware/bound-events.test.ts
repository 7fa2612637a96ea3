// Node emits the events of a request and its answer in the context of the socket: the middleware binds them to the tenant.
import { AsyncLocalStorage } from 'node:async_hooks'
import { connect } from 'node:net'
import express from 'express'
import express4 from 'express-4'
import { describe, expect, it } from 'vitest'
import { tryGetCurrentTenant } from '../../src/context/run-with-tenant.ts'
import { asyncRoute, responseGuard, tenantContextMiddleware, tenantErrorHandler } from '../../src/middleware/express.ts'
import { createTestDatabase, createTestTenant } from '../setup/database.ts'
import { createTestWall, serve } from '../setup/wall.ts'

const frameworks = [
  ['Express 5', express],
  ['Express 4', express4],
] as const

/** As a pool of callbacks does that was filled outside of every request. */
const outside = AsyncLocalStorage.snapshot()

describe.each(frameworks)('what a handler starts on %s', async (_name, framework) => {
  const database = await createTestDatabase()
  const a = await createTestTenant(database)
  const b = await createTestTenant(database)
  const { wall, issuer } = await createTestWall(database)
  const app = framework()
  const seen: unknown[] = []
  const who = () => tryGetCurrentTenant()?.tenantId
  app.use(tenantContextMiddleware(wall))
  app.use(responseGuard(wall.guard))
  app.post('/upload', (request, response) => {
    const counts: Promise<number>[] = []
    request.on('data', () => {
      counts.push(wall.pool.query('select count(*)::int as n from documents').then(({ rows }) => rows[0].n))
    })
    response.on('finish', () => seen.push(['finish', who()]))
    request.on('end', () => {
      seen.push(['end', who()])
      Promise.all(counts).then(
        (all) => response.json(all),
        (error) => response.status(500).json(String(error)),
      )
    })
  })
  app.get('/lost', (request, response) => {
    const tenant = request.query['of'] === 'b' ? b : a
    outside(() => setImmediate(() => response.json([{ tenant_id: tenant.id, seen: who() ?? 'nobody' }])))
  })
  app.get(
    '/slow',
    asyncRoute(async (_request, response) => {
      response.write('part')
      response.once('close', () => {
        wall.pool.query('select count(*)::int as n from documents').then(
          ({ rows }) => seen.push(['close', who(), rows[0].n]),
          (error) => seen.push(['close', String(error)]),
        )
      })
    }),
  )
  app.use(tenantErrorHandler())
  const url = new URL(await serve(app))
  const authorization = `Bearer ${await issuer.sign({ claims: { org_id: a.key, sub: a.userId } })}`

  it('an upload reads and writes for its tenant, and so does what waits for the end', async () => {
    seen.length = 0
    const body = Buffer.alloc(300_000, 'x')
    const answer = await fetch(new URL('/upload', url), { method: 'POST', body, headers: { authorization } })
    const counts: unknown = await answer.json()
    expect(answer.status).toBe(200)
    expect(Array.isArray(counts) && counts.every((n) => n === 1)).toBe(true)
    await expect
      .poll(() => seen)
      .toEqual([
        ['end', a.id],
        ['finish', a.id],
      ])
  })

  it('an answer from a callback that lost its context is still looked through', async () => {
    const ask = async (of: string) =>
      (await fetch(new URL(`/lost?of=${of}`, url), { headers: { authorization } })).status
    expect(await ask('a')).toBe(200)
    expect(await ask('b')).toBe(403)
  })

  it('a client that goes away leaves nothing that reads for another tenant', async () => {
    seen.length = 0
    const socket = connect(Number(url.port), url.hostname)
    socket.write(`GET /slow HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n\r\n`)
    socket.once('data', () => socket.destroy())
    await expect.poll(() => seen, { timeout: 10_000 }).toEqual([['close', a.id, 1]])
  })
})
