import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import express, { type Express, type RequestHandler } from 'express'
import express4 from 'express-4'
import { afterEach, describe, expect, it } from 'vitest'
import { runInTenantFrame } from '../../src/context/run-with-tenant.ts'
import { CrossTenantSafe } from '../../src/guards/cross-tenant-safe.ts'
import { createTenantGuard, type TenantGuardOptions } from '../../src/guards/tenant-guard.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { responseGuard } from '../../src/middleware/response-guard.ts'
import { tenantErrorHandler } from '../../src/middleware/tenant-error-handler.ts'
import { collectEvents, otherTenant, ownTenant } from '../guards/context.ts'

const frameworks = [
  ['Express 5', express],
  ['Express 4', express4],
] as const

const own = { tenant_id: ownTenant, title: 'ours' }
const foreign = { title: 'a secret of others', tenant_id: otherTenant }

/** Each piece in a turn of its own, so that what is sent before a cut has left. */
async function* paced(pieces: readonly string[]): AsyncGenerator<string> {
  for (const piece of pieces) {
    await nextTurn()
    yield piece
  }
}

interface Answer {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
  /** False where the connection was cut before the answer's end. */
  readonly complete: boolean
}

describe.each(frameworks)('responseGuard on %s', (_name, framework) => {
  const closing: (() => void)[] = []
  afterEach(() => {
    for (const close of closing.splice(0)) close()
  })

  async function ask(
    handlers: readonly RequestHandler[],
    options: TenantGuardOptions & {
      context?: boolean
      maxBufferBytes?: number
      headers?: Record<string, string>
      method?: string
    } = {},
  ): Promise<Answer> {
    const { context = true, maxBufferBytes, headers = {}, method = 'GET', ...guardOptions } = options
    const app: Express = framework()
    const frame = { tenantId: ownTenant, userId: 'user-1', requestId: 'request-1' }
    app.use((_request, response, next) => {
      response.setHeader('X-Request-Id', 'request-1')
      if (context) runInTenantFrame(frame, {}, next)
      else next()
    })
    const guard = createTenantGuard({ logger: silentLogger, ...guardOptions })
    app.use(responseGuard(guard, maxBufferBytes === undefined ? {} : { maxBufferBytes }))
    app.all('/', ...handlers)
    app.use(tenantErrorHandler())
    const server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    closing.push(() => server.close().closeAllConnections())
    const { port }: AddressInfo = Object(server.address())
    return new Promise((resolve, reject) => {
      const sent = httpRequest({ port, host: '127.0.0.1', method, headers }, (answer) => {
        let body = ''
        answer.setEncoding('utf8').on('data', (chunk) => (body += chunk))
        answer.on('error', () => {})
        answer.on('close', () =>
          resolve({ status: answer.statusCode, headers: answer.headers, body, complete: answer.complete }),
        )
      })
      sent.on('error', reject).end()
    })
  }

  function expectRefusal(answer: Answer): void {
    expect(answer.status).toBe(403)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.body).not.toContain('secret')
    expect(answer.body + JSON.stringify(answer.headers)).not.toContain(otherTenant)
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'PARTYWALL_TENANT_ISOLATION', status: 403 })
    expect(Number(answer.headers['content-length'])).toBe(Buffer.byteLength(answer.body))
  }

  const ways: readonly (readonly [string, (row: object) => RequestHandler])[] = [
    ['res.json', (row) => (_request, response) => void response.json({ rows: [own, row] })],
    ['res.json in a callback', (row) => (_request, response) => void setTimeout(() => response.json([own, row]), 1)],
    ['res.send of an object', (row) => (_request, response) => void response.send({ rows: [own, row] })],
    ['res.send of text without a type', (row) => (_request, response) => void response.send(JSON.stringify([row]))],
    [
      'res.send of bytes',
      (row) => (_request, response) => void response.type('json').send(Buffer.from(JSON.stringify(row))),
    ],
    ['res.jsonp', (row) => (_request, response) => void response.jsonp(row)],
    ['res.end', (row) => (_request, response) => void response.type('json').end(JSON.stringify(row))],
    [
      'a piped document',
      (row) => (_request, response) => {
        response.type('json')
        Readable.from(['[', JSON.stringify(own), ',', JSON.stringify(row), ']']).pipe(response)
      },
    ],
    ['a model with toJSON', (row) => (_request, response) => void response.json({ toJSON: () => row })],
  ]

  it.each(ways)('replaces a foreign answer by %s with a problem that tells nothing', async (_way, handler) => {
    expectRefusal(await ask([handler(foreign)]))
  })

  it.each(ways)('sends an own answer by %s as it is', async (_way, handler) => {
    const answer = await ask([handler(own)])
    expect(answer).toMatchObject({ status: 200, complete: true })
    expect(answer.body).toContain(ownTenant)
  })

  it('sends none of the headers of the refused answer', async () => {
    const answer = await ask([
      (_request, response) => {
        response.set({ 'X-Total-Count': '7', 'Last-Modified': 'yesterday', Link: '</?after=x>', 'Set-Cookie': 'a=b' })
        response.status(201).json(foreign)
      },
    ])
    expectRefusal(answer)
    for (const name of ['etag', 'x-total-count', 'last-modified', 'link', 'set-cookie']) {
      expect(answer.headers[name]).toBeUndefined()
    }
    expect(answer.headers['x-request-id']).toBe('request-1')
  })

  it('answers no 304 and no HEAD for what it refuses', async () => {
    const handler: RequestHandler = (_request, response) => void response.json(foreign)
    expectRefusal(await ask([handler], { headers: { 'If-None-Match': '*' } }))
    const head = await ask([handler], { method: 'HEAD' })
    expect(head).toMatchObject({ status: 403, body: '' })
    expect(head.headers['etag']).toBeUndefined()
  })

  it('sends records one by one and cuts the stream before the foreign one', async () => {
    const handler: RequestHandler = (_request, response) => {
      response.type('application/x-ndjson')
      const text = [own, own, foreign, own].map((row) => `${JSON.stringify(row)}\n`)
      // Cut in the middle of records, as the network does.
      const pieces = text.flatMap((line) => [line.slice(0, 20), line.slice(20)])
      Readable.from(paced(pieces)).pipe(response)
    }
    const answer = await ask([handler])
    expect(answer.complete).toBe(false)
    expect(answer.body).not.toContain('secret')
    expect(answer.body).not.toContain(otherTenant)
    expect(answer.body.split('\n').filter((line) => line !== '')).toEqual([own, own].map((row) => JSON.stringify(row)))
  })

  it('answers 403 when the first record of a stream is foreign', async () => {
    const handler: RequestHandler = (_request, response) => {
      response.type('application/x-ndjson')
      Readable.from([`${JSON.stringify(foreign)}\n`]).pipe(response)
    }
    expectRefusal(await ask([handler]))
  })

  it('sends a stream of own records whole, characters cut apart included', async () => {
    const text = `${JSON.stringify({ ...own, title: 'größer 🧱' })}\n${JSON.stringify(own)}`
    const bytes = [...Buffer.from(text)].map((byte) => Buffer.from([byte]))
    const handler: RequestHandler = (_request, response) => {
      response.type('application/x-ndjson')
      Readable.from(bytes).pipe(response)
    }
    expect(await ask([handler])).toMatchObject({ status: 200, complete: true, body: text })
  })

  it('refuses a document longer than its buffer instead of letting it pass unseen', async () => {
    const handler: RequestHandler = (_request, response) => {
      response.type('json')
      Readable.from([JSON.stringify(own), ' '.repeat(2_000), JSON.stringify(foreign)]).pipe(response)
    }
    expectRefusal(await ask([handler], { maxBufferBytes: 1_000 }))
  })

  it('refuses JSON that was compressed behind it, since it can’t be read', async () => {
    const handler: RequestHandler = (_request, response) => {
      response.type('json').setHeader('Content-Encoding', 'gzip')
      response.end(Buffer.from([0x1f, 0x8b, 0x08]))
    }
    expectRefusal(await ask([handler]))
  })

  it('drops what it held back when an error is answered instead', async () => {
    const handler: RequestHandler = (_request, response, next) => {
      response.type('json').write('{"rows":[')
      next(new Error('the database went away'))
    }
    const answer = await ask([handler])
    expect(answer.status).toBe(500)
    expect(JSON.parse(answer.body)).toMatchObject({ status: 500 })
  })

  it('refuses an answer that names a tenant where there is no tenant context', async () => {
    expectRefusal(await ask([(_request, response) => void response.json(own)], { context: false }))
    const silent = await ask([(_request, response) => void response.json({ pong: true })], { context: false })
    expect(silent.status).toBe(200)
  })

  it('leaves a route alone that CrossTenantSafe took out, and answers that are no JSON', async () => {
    const totals = await ask([
      CrossTenantSafe('sums over all tenants'),
      (_request, response) => void response.json(foreign),
    ])
    expect(totals).toMatchObject({ status: 200, body: JSON.stringify(foreign) })
    const page = await ask([(_request, response) => void response.type('html').send(`<p>${otherTenant}</p>`)])
    expect(page.status).toBe(200)
  })

  it('tells the team both tenants, and in report mode lets pass and counts', async () => {
    const { events, seen } = collectEvents()
    await ask([(_request, response) => void response.json(foreign)], { events })
    expect(seen).toMatchObject([
      { type: 'CROSS_TENANT_ACCESS_ATTEMPT', source: 'guard', tenantId: ownTenant, attemptedTenantId: otherTenant },
    ])
    const reported = await ask([(_request, response) => void response.json(foreign)], { enforcement: 'report' })
    expect(reported).toMatchObject({ status: 200, body: JSON.stringify(foreign) })
  })

  it('asks for entities in what is sent, in strict mode', async () => {
    const strict = { strict: true, entities: [(value: object) => 'title' in value] }
    expectRefusal(await ask([(_request, response) => void response.json([{ title: 'x' }])], strict))
    expect((await ask([(_request, response) => void response.json([own])], strict)).status).toBe(200)
  })
})
