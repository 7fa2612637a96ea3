import { Agent, request as httpRequest } from 'node:http'
import { beforeAll, expect, it } from 'vitest'
import type { Setting } from '../application.ts'
import { open, rawRequest } from '../client.ts'
import { startWorld, type World } from '../world.ts'

export function limitBehaviours(serve: (setting: Setting) => Promise<string>): void {
  let world: World
  beforeAll(async () => {
    world = await startWorld(serve)
  })
  const release = () => {
    for (const finish of world.held.splice(0)) finish()
  }

  it('tells the limits in the headers of an answer', async () => {
    const { headers } = await world.as(world.a, '/context')
    expect(headers).toMatchObject({ 'x-ratelimit-limit-minute': '10000', 'x-ratelimit-remaining-minute': '9999' })
    expect(headers['ratelimit-policy']).toContain('"minute";q=10000;w=60')
  })

  it('answers 429 to a tenant that has used up its limits, and 200 to others', async () => {
    const tenant = await world.tenant('pro')
    for (let round = 0; round < 2; round++) expect((await world.as(tenant, '/context')).status).toBe(200)
    const answer = await world.as(tenant, '/context')
    expect(answer).toMatchObject({ status: 429, body: { code: 'PARTYWALL_RATE_LIMIT_EXCEEDED', status: 429 } })
    expect(answer.headers).toMatchObject({ 'x-ratelimit-remaining-minute': '0', 'cache-control': 'no-store' })
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.body['instance']).toBe(answer.headers['x-request-id'])
    expect((await world.as(world.a, '/context')).status).toBe(200)
  })

  it('counts a route against its own limit', async () => {
    const tenant = await world.tenant()
    expect((await world.as(tenant, '/tight')).status).toBe(200)
    expect((await world.as(tenant, '/tight')).status).toBe(429)
    expect((await world.as(tenant, '/context')).status).toBe(200)
  })

  it('answers 429 to a tenant whose requests in flight are as many as allowed', async () => {
    const tenant = await world.tenant('enterprise')
    const waiting = [world.as(tenant, '/held'), world.as(tenant, '/held')]
    await expect.poll(() => world.held.length, { timeout: 10_000 }).toBe(2)
    const refused = await world.as(tenant, '/context')
    expect(refused).toMatchObject({ status: 429, body: { code: 'PARTYWALL_CONCURRENCY_EXCEEDED' } })
    expect(refused.headers['retry-after']).toBe('1')
    release()
    for (const one of waiting) expect((await one).status).toBe(200)
    await expect.poll(async () => (await world.as(tenant, '/context')).status, { timeout: 10_000 }).toBe(200)
  })

  it('frees the place of an answered request whose connection is kept alive', async () => {
    const authorization = `Bearer ${await world.token(await world.tenant('enterprise'))}`
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let round = 0; round < 4; round++) {
      const status = await new Promise((resolve, reject) => {
        const sent = httpRequest(`${world.url}/context`, { agent, headers: { authorization } }, (answer) => {
          answer.resume().on('end', () => resolve(answer.statusCode))
        })
        sent.on('error', reject).end()
      })
      expect(status).toBe(200)
    }
    agent.destroy()
  })

  it('counts a streaming answer as in flight until it ends', async () => {
    const tenant = await world.tenant('enterprise')
    const streams = [world.as(tenant, '/held-stream'), world.as(tenant, '/held-stream')]
    await expect.poll(() => world.held.length, { timeout: 10_000 }).toBe(2)
    expect((await world.as(tenant, '/context')).status).toBe(429)
    release()
    for (const stream of streams) expect((await stream).text).toBe('first half, second half')
    await expect.poll(async () => (await world.as(tenant, '/context')).status, { timeout: 10_000 }).toBe(200)
  })

  it('frees the place of a stream whose client has gone', async () => {
    const tenant = await world.tenant('enterprise')
    const authorization = `Bearer ${await world.token(tenant)}`
    const connections = await Promise.all([open(world.url), open(world.url)])
    for (const { socket } of connections) socket.write(rawRequest('/endless', { authorization }))
    for (const { received } of connections) await expect.poll(received, { timeout: 10_000 }).toContain('data: 1')
    expect((await world.as(tenant, '/context')).status).toBe(429)
    for (const { socket } of connections) socket.destroy()
    await expect.poll(async () => (await world.as(tenant, '/context')).status, { timeout: 10_000 }).toBe(200)
  })

  it('frees the places of pipelined requests whose connection broke', async () => {
    const tenant = await world.tenant('enterprise')
    const { socket } = await open(world.url)
    socket.write(rawRequest('/held', { authorization: `Bearer ${await world.token(tenant)}` }).repeat(2))
    await expect.poll(() => world.held.length, { timeout: 10_000 }).toBe(2)
    socket.destroy()
    await expect.poll(async () => (await world.as(tenant, '/context')).status, { timeout: 5_000 }).toBe(429)
    release()
    await expect.poll(async () => (await world.as(tenant, '/context')).status, { timeout: 10_000 }).toBe(200)
    const both = [world.as(tenant, '/held'), world.as(tenant, '/held')]
    await expect.poll(() => world.held.length, { timeout: 10_000 }).toBe(2)
    release()
    for (const one of both) expect((await one).status).toBe(200)
  })

  it('counts a request whose client has gone until its handler has ended', async () => {
    const tenant = await world.tenant('enterprise')
    const authorization = `Bearer ${await world.token(tenant)}`
    const connections = await Promise.all([open(world.url), open(world.url)])
    for (const { socket } of connections) socket.write(rawRequest('/held', { authorization }))
    await expect.poll(() => world.held.length, { timeout: 10_000 }).toBe(2)
    for (const { socket } of connections) socket.destroy()
    for (let round = 0; round < 5; round++) expect((await world.as(tenant, '/context')).status).toBe(429)
    release()
    await expect.poll(async () => (await world.as(tenant, '/context')).status, { timeout: 10_000 }).toBe(200)
  })
}
