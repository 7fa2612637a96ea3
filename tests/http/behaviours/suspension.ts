import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, it } from 'vitest'
import type { TestTenant } from '../../setup/database.ts'
import type { Setting } from '../application.ts'
import { open, rawRequest } from '../client.ts'
import { startWorld, type World } from '../world.ts'

export function suspensionBehaviours(serve: (setting: Setting) => Promise<string>): void {
  let world: World
  beforeAll(async () => {
    world = await startWorld(serve)
  })

  async function listening(tenant: TestTenant): Promise<void> {
    expect((await world.as(tenant, '/context')).status).toBe(200)
    await expect.poll(() => world.wall.tenants.listening, { timeout: 10_000 }).toBe(true)
    expect((await world.as(tenant, '/context')).status).toBe(200)
  }

  const suspend = (tenant: TestTenant) =>
    world.database.admin("update tenants set status = 'suspended' where id = $1", [tenant.id])

  it('refuses a running request of a suspended tenant, which writes no more', async () => {
    const tenant = await world.tenant()
    await listening(tenant)
    const running = world.as(tenant, '/slow', { method: 'POST' })
    const body = async () =>
      (await world.database.admin('select body from documents where tenant_id = $1', [tenant.id])).rows[0]?.body
    await expect.poll(body, { timeout: 10_000 }).toMatch(/^round \d/)
    const started = performance.now()
    // The database would refuse the tenant too. Here it does not know, so that only the process itself stops the request.
    await world.database.admin(`begin; update tenants set status = 'suspended' where id = '${tenant.id}';
      update partywall.tenant_states set revoked = false where tenant_id = '${tenant.id}'; commit`)
    expect(await running).toMatchObject({ status: 403, body: { code: 'PARTYWALL_TENANT_INACTIVE' } })
    // It would have run for five seconds.
    expect(performance.now() - started).toBeLessThan(4_000)
    const then = await body()
    await sleep(200)
    expect(await body()).toBe(then)
  })

  it('refuses a request that only waits, at the moment of the suspension', async () => {
    const tenant = await world.tenant()
    await listening(tenant)
    const waiting = world.as(tenant, '/held')
    await expect.poll(() => world.held.length, { timeout: 10_000 }).toBe(1)
    await suspend(tenant)
    const refused = await waiting
    expect(refused).toMatchObject({ status: 403, body: { code: 'PARTYWALL_TENANT_INACTIVE' } })
    // The handler had set it before it waited.
    expect(refused.headers['etag']).toBeUndefined()
    for (const finish of world.held.splice(0)) finish()
    // The late answer of the handler ends nothing but itself.
    await sleep(20)
    expect((await world.as(world.a, '/context')).status).toBe(200)
  })

  it('refuses a running request whose token was revoked, and no other of its tenant', async () => {
    const tenant = await world.tenant()
    await listening(tenant)
    const token = await world.token(tenant, { jti: `revoked with ${tenant.id}` })
    const headers = { authorization: `Bearer ${token}` }
    const revoked = world.as(tenant, '/held', { headers })
    const other = world.as(tenant, '/held')
    await expect.poll(() => world.held.length, { timeout: 10_000 }).toBe(2)
    await world.wall.revokeToken(`revoked with ${tenant.id}`)
    expect(await revoked).toMatchObject({ status: 401, body: { code: 'PARTYWALL_AUTHENTICATION' } })
    for (const finish of world.held.splice(0)) finish()
    expect(await other).toMatchObject({ status: 200 })
    expect((await world.as(tenant, '/context', { headers })).status).toBe(401)
  })

  it('cuts a running stream of a suspended tenant', async () => {
    const tenant = await world.tenant()
    await listening(tenant)
    const running = world.as(tenant, '/endless').catch((error: unknown) => ({ complete: false, text: String(error) }))
    await sleep(150)
    await suspend(tenant)
    const answer = await running
    expect(answer.complete).toBe(false)
    expect(answer.text.length).toBeLessThan(20 * 300)
  })

  it('cuts a stream that only waits, at the moment of the suspension', async () => {
    const tenant = await world.tenant()
    await listening(tenant)
    const { socket, received } = await open(world.url)
    socket.write(rawRequest('/held-stream', { authorization: `Bearer ${await world.token(tenant)}` }))
    await expect.poll(received, { timeout: 10_000 }).toContain('first half')
    await suspend(tenant)
    await expect.poll(() => socket.closed, { timeout: 10_000 }).toBe(true)
    expect(received()).not.toContain('second half')
    for (const finish of world.held.splice(0)) finish()
  })

  it('closes, and waits for no request that has ended or whose client has gone', async () => {
    const { a, held, url } = world
    const { socket } = await open(url)
    socket.write(rawRequest('/held', { authorization: `Bearer ${await world.token(a)}` }))
    await expect.poll(() => held.length, { timeout: 10_000 }).toBe(1)
    socket.destroy()
    const started = performance.now()
    expect((await world.as(a, '/context')).status).toBe(200)
    await world.wall.close({ timeoutMs: 30_000 })
    expect(performance.now() - started).toBeLessThan(20_000)
    expect((await world.as(a, '/context')).status).toBe(503)
    for (const finish of held.splice(0)) finish()
  })
}
