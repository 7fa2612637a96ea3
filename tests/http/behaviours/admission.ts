import { beforeAll, expect, it } from 'vitest'
import type { Setting } from '../application.ts'
import { send } from '../client.ts'
import { startWorld, type World } from '../world.ts'

export function admissionBehaviours(serve: (setting: Setting) => Promise<string>): void {
  let world: World
  beforeAll(async () => {
    world = await startWorld(serve)
  })

  it('opens the context that the token and the directory give', async () => {
    const { a } = world
    const answer = await world.as(a, '/context')
    expect(answer).toMatchObject({ status: 200, body: { tenantId: a.id, userId: a.userId, roles: ['admin'] } })
    expect(answer.headers['x-request-id']).toBe(answer.body['requestId'])
  })

  it('tells the address and the user agent of the client, for the audit log', async () => {
    const { text, body } = await world.as(world.a, '/client', { headers: { 'user-agent': 'a client/1.0' } })
    expect(body, text).toMatchObject({
      ip: expect.stringMatching(/^(::ffff:)?127\.0\.0\.1$/),
      userAgent: 'a client/1.0',
    })
  })

  it('refuses a request without a token, with a problem document', async () => {
    const answer = await send(`${world.url}/context`)
    expect(answer.status).toBe(401)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.headers['www-authenticate']).toBe('Bearer')
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.headers['vary']).toMatch(/authorization/i)
    expect(answer.headers['etag']).toBeUndefined()
    expect(answer.body).toMatchObject({ code: 'PARTYWALL_AUTHENTICATION', instance: answer.headers['x-request-id'] })
  })

  it('refuses a token that does not verify', async () => {
    const headers = { authorization: 'Bearer not.a.token' }
    expect((await send(`${world.url}/context`, { headers })).status).toBe(401)
  })

  it.each([
    ['header', { 'x-tenant-id': 'B' }, '/context'],
    ['host', { host: 'B.app.example' }, '/context'],
    ['path', {}, '/t/B/ping'],
    ['path in other letters', {}, '/%54/B/ping'],
  ])('refuses a %s that names another tenant than the token, and reports it', async (_what, headers: object, path) => {
    const { a, b, wall } = world
    const seen: unknown[] = []
    const stop = wall.events.on('CROSS_TENANT_ACCESS_ATTEMPT', (event) => seen.push(event))
    const named = Object.entries(headers).map(([name, value]) => [name, String(value).replace('B', b.key)])
    const answer = await world.as(a, path.replace('B', b.key), { headers: Object.fromEntries(named) })
    stop()
    expect(answer).toMatchObject({ status: 403, body: { code: 'PARTYWALL_TENANT_ISOLATION' } })
    expect(answer.text).not.toContain(b.id)
    expect(seen).toMatchObject([{ tenantId: a.id }])
  })

  it('takes a header, host and path that agree with the token', async () => {
    const { a } = world
    const headers = { 'x-tenant-id': a.id.toUpperCase(), host: `${a.key}.app.example` }
    expect((await world.as(a, `/t/${a.key}/ping`, { headers })).status).toBe(200)
  })

  it('answers an unknown and a suspended tenant alike', async () => {
    const { a, database } = world
    const suspended = await world.tenant()
    await database.admin("update tenants set status = 'suspended' where id = $1", [suspended.id])
    const first = await world.as(suspended, '/context')
    const second = await world.as({ ...a, id: 'nobody', key: 'nobody' }, '/context')
    expect([first.status, second.status]).toEqual([403, 403])
    expect({ ...first.body, instance: '' }).toEqual({ ...second.body, instance: '' })
  })

  it('refuses a route whose permission the user does not have, and names neither permission nor role', async () => {
    const answer = await world.as(world.a, '/admin')
    expect(answer).toMatchObject({ status: 403, body: { code: 'PARTYWALL_PERMISSION_DENIED' } })
    expect(answer.text).not.toMatch(/admin:|role|tier/)
  })

  it('admits to a route whose permission the user has, unless the token narrows it', async () => {
    const { a } = world
    expect((await world.as(a, '/read')).status).toBe(200)
    const narrowed = await world.token(a, { permissions: ['documents:update'] })
    const headers = { authorization: `Bearer ${narrowed}` }
    expect((await send(`${world.url}/read`, { headers })).status).toBe(403)
  })

  it('serves a route that is declared public, to tenants only', async () => {
    expect((await world.as(world.a, '/public')).status).toBe(200)
    expect((await send(`${world.url}/public`)).status).toBe(401)
  })

  it('answers 404 for a route that does not exist', async () => {
    expect((await world.as(world.a, '/no/such/route')).status).toBe(404)
  })

  it('answers 429 to an address that sends many tokens which do not verify', async () => {
    const statuses: number[] = []
    for (let round = 0; round < 12; round++) {
      const headers = { authorization: `Bearer bad.${round}.token` }
      statuses.push((await send(`${world.url}/context`, { headers })).status)
    }
    expect(statuses).toContain(429)
    expect((await world.as(world.a, '/context')).status).toBe(200)
  })
}
