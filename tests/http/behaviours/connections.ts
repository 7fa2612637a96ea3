import { Agent, request as httpRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, it } from 'vitest'
import { LARGE_PIECES, type Setting } from '../application.ts'
import { open, rawRequest } from '../client.ts'
import { startWorld, type World } from '../world.ts'

export function connectionBehaviours(serve: (setting: Setting) => Promise<string>): void {
  let world: World
  beforeAll(async () => {
    world = await startWorld(serve)
  })

  it('reads an upload in the context of its tenant, chunk by chunk', async () => {
    const { a, seen } = world
    seen.length = 0
    const headers = { 'content-type': 'application/octet-stream' }
    const answer = await world.as(a, '/upload', { method: 'POST', body: Buffer.alloc(400_000, 'x'), headers })
    expect(answer.status).toBe(200)
    const counts: unknown = JSON.parse(answer.text)
    expect(Array.isArray(counts) && counts.length > 1 && counts.every((n) => n === 1)).toBe(true)
    expect(seen).toEqual([['end', a.id]])
  })

  it('makes server-sent events in the context of their tenant', async () => {
    const { a } = world
    const answer = await world.as(a, '/events')
    expect(answer).toMatchObject({ status: 200, complete: true })
    const event = `data: ${JSON.stringify({ n: 1, tenant_id: a.id })}\n\n`
    expect(answer.text).toBe(event.repeat(3))
  })

  it('makes a stream that is read slowly in the context of its tenant', async () => {
    const { a, seen, url } = world
    seen.length = 0
    const { socket, received } = await open(url)
    // What makes the stream gets ahead of the connection, and goes on when the client reads again.
    socket.pause()
    socket.write(rawRequest('/large', { authorization: `Bearer ${await world.token(a)}`, connection: 'close' }))
    let before = 0
    const stands = () => {
      const [now, then] = [seen.length, before]
      before = now
      return now > 0 && now === then
    }
    await expect.poll(stands, { timeout: 20_000, interval: 200 }).toBe(true)
    expect(seen.length).toBeLessThan(LARGE_PIECES)
    socket.resume()
    await expect.poll(() => socket.closed, { timeout: 20_000 }).toBe(true)
    expect(seen).toEqual(Array.from({ length: LARGE_PIECES }, () => ['piece', a.id]))
    expect(received().match(/<1>/g)).toHaveLength(LARGE_PIECES)
  })

  it('cuts a stream whose source fails, and does not tell why', async () => {
    const { logged } = world
    logged.length = 0
    const answer = await world.as(world.a, '/late')
    expect(answer.complete).toBe(false)
    expect(answer.text).toBe('partial')
  })

  it('cuts an answer that a handler wrote by hand before it failed, and does not tell why', async () => {
    const answer = await world.as(world.a, '/late-by-hand')
    expect(answer.complete).toBe(false)
    expect(answer.text).toBe('partial')
  })

  it('ends the source of a stream whose client has gone, in the context of its tenant', async () => {
    const { a, seen, url } = world
    seen.length = 0
    const { socket, received } = await open(url)
    socket.write(rawRequest('/endless', { authorization: `Bearer ${await world.token(a)}` }))
    await expect.poll(received, { timeout: 10_000 }).toContain('data: 1')
    socket.destroy()
    await expect.poll(() => seen, { timeout: 10_000 }).toEqual([['source ended', a.id]])
  })

  it('answers pipelined requests of two tenants on one connection, each with its own', async () => {
    const { a, b, url } = world
    const { socket, received } = await open(url)
    const texts = await Promise.all(
      [a, b, a, b].map(async (tenant) =>
        rawRequest('/context', { authorization: `Bearer ${await world.token(tenant)}` }),
      ),
    )
    socket.write(texts.join(''))
    const tenants = () => Array.from(received().matchAll(/"tenantId":"([^"]*)"/g), ([, id]) => id)
    await expect.poll(tenants, { timeout: 10_000 }).toEqual([a.id, b.id, a.id, b.id])
    socket.destroy()
  })

  it('keeps nothing of a tenant on a connection that is kept alive', async () => {
    const { a, b, url } = world
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ask = (path: string, headers: Record<string, string>) =>
      new Promise<{ status: number; text: string; reused: boolean }>((resolve, reject) => {
        const sent = httpRequest(`${url}${path}`, { agent, headers }, (answer) => {
          let text = ''
          answer.setEncoding('utf8').on('data', (part: string) => {
            text += part
          })
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text, reused: sent.reusedSocket }))
        })
        sent.on('error', reject).end()
      })
    const bearer = async (tenant: typeof a) => ({ authorization: `Bearer ${await world.token(tenant)}` })
    expect((await ask(`/documents/${a.documentId}`, await bearer(a))).status).toBe(200)
    await sleep(10)
    const other = await ask(`/documents/${a.documentId}`, await bearer(b))
    expect(other).toMatchObject({ status: 404, reused: true })
    await sleep(10)
    expect(await ask(`/documents/${a.documentId}`, {})).toMatchObject({ status: 401, reused: true })
    agent.destroy()
  })

  it('answers many requests of two tenants at the same time, each with its own', async () => {
    const { a, b } = world
    const tenants = Array.from({ length: 40 }, (_value, index) => (index % 2 === 0 ? a : b))
    const answers = await Promise.all(tenants.map((tenant) => world.as(tenant, `/documents/${tenant.documentId}`)))
    expect(answers.map(({ body }) => body['tenant_id'])).toEqual(tenants.map(({ id }) => id))
  })
}
