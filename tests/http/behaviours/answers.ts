import { beforeAll, expect, it } from 'vitest'
import type { Setting } from '../application.ts'
import { startWorld, type World } from '../world.ts'

export function answerBehaviours(serve: (setting: Setting) => Promise<string>): void {
  let world: World
  beforeAll(async () => {
    world = await startWorld(serve)
  })
  const json = { 'content-type': 'application/json' }

  it('gives a tenant its own row and hides the one of another', async () => {
    const { a, b } = world
    expect((await world.as(a, `/documents/${a.documentId}`)).status).toBe(200)
    expect((await world.as(a, `/documents/${b.documentId}`)).status).toBe(404)
  })

  it('answers a foreign row and a missing row alike on writing', async () => {
    const { a, b } = world
    const sending = { method: 'PUT', body: '{"title":"x"}', headers: json }
    const foreign = await world.as(a, `/documents/${b.documentId}`, sending)
    const missing = await world.as(a, '/documents/00000000-0000-4000-8000-000000000000', sending)
    expect([foreign.status, missing.status]).toEqual([404, 404])
    expect({ ...foreign.body, instance: '' }).toEqual({ ...missing.body, instance: '' })
  })

  it('refuses an injected tenant id with 403', async () => {
    const body = JSON.stringify({ title: 'x', tenant_id: world.b.id })
    const answer = await world.as(world.a, '/documents', { method: 'POST', body, headers: json })
    expect(answer).toMatchObject({ status: 403, body: { code: 'PARTYWALL_TENANT_ISOLATION' } })
  })

  it('answers 409 to a unique violation that an ORM has wrapped', async () => {
    const answer = await world.as(world.a, '/unique', { method: 'POST' })
    expect(answer).toMatchObject({ status: 409, body: { code: 'PARTYWALL_CONFLICT' } })
    expect(answer.text).not.toMatch(/secret|users|owner@/)
  })

  it('answers 400 to a value that PostgreSQL can not read', async () => {
    const answer = await world.as(world.a, '/cast')
    expect(answer.status).toBe(400)
    expect(answer.text).not.toContain('secret')
  })

  it('answers 403 to a row of another tenant that the policies refuse', async () => {
    const answer = await world.as(world.a, '/foreign-row', { method: 'POST' })
    expect(answer).toMatchObject({ status: 403, body: { code: 'PARTYWALL_TENANT_ISOLATION' } })
  })

  it('tells nothing of an error but its status, and logs it with request and tenant', async () => {
    const { a, logged } = world
    logged.length = 0
    const answer = await world.as(a, '/throws')
    expect(answer.status).toBe(500)
    expect(answer.text + JSON.stringify(answer.headers)).not.toMatch(/secret|at .*\.ts/)
    expect(answer.body).toMatchObject({ type: 'about:blank', status: 500, instance: answer.headers['x-request-id'] })
    expect(logged).toMatchObject([{ requestId: answer.headers['x-request-id'], tenantId: a.id }])
  })

  it('keeps the status that an error was made for clients with, and not its message', async () => {
    const answer = await world.as(world.a, '/teapot')
    expect(answer.status).toBe(418)
    expect(answer.text).not.toContain('secret')
  })

  it('refuses a query of code that has lost the context', async () => {
    const answer = await world.as(world.a, '/lost')
    expect(answer).toMatchObject({ status: 500, body: { code: 'PARTYWALL_CONTEXT_MISSING' } })
  })

  it('refuses to write in a GET', async () => {
    const { a, database } = world
    expect((await world.as(a, '/write')).status).toBeGreaterThanOrEqual(400)
    const { rows } = await database.admin('select body from documents where id = $1', [a.documentId])
    expect(rows[0].body).not.toBe('written')
  })

  it('refuses to write in a HEAD', async () => {
    const { a, database } = world
    const answer = await world.as(a, '/write', { method: 'HEAD' })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.text).toBe('')
    const { rows } = await database.admin('select body from documents where id = $1', [a.documentId])
    expect(rows[0].body).not.toBe('written')
  })

  it('keeps answers out of shared caches', async () => {
    const { headers } = await world.as(world.a, '/context')
    expect(headers['cache-control']).toBe('private, no-cache')
    expect(headers['vary']).toMatch(/authorization/i)
  })

  it('lets a handler choose another Cache-Control', async () => {
    const { headers } = await world.as(world.a, '/cached')
    expect(headers['cache-control']).toBe('public, max-age=60')
    expect(headers['vary']).toMatch(/authorization/i)
  })
}
