import { beforeAll, expect, it } from 'vitest'
import { runWithTenant, tryGetCurrentTenant } from '../../../src/context/run-with-tenant.ts'
import type { Setting } from '../application.ts'
import { startWorld, type World } from '../world.ts'

/** A server that is started in a tenant's context hands this context to all of its connections. */
export function serverInContextBehaviours(serve: (setting: Setting) => Promise<string>): void {
  let world: World
  const seen: unknown[] = []
  beforeAll(async () => {
    const inside = (setting: Setting) =>
      runWithTenant({ tenantId: setting.a.id, userId: setting.a.userId, roles: [] }, () => serve(setting))
    world = await startWorld(inside, {
      authorize() {
        seen.push(tryGetCurrentTenant()?.tenantId)
        return true
      },
    })
  })

  it('admits a request outside of the context in which the server was started', async () => {
    const { a } = world
    seen.length = 0
    expect(await world.as(a, '/context')).toMatchObject({ status: 200, body: { tenantId: a.id, roles: ['admin'] } })
    expect(seen).toEqual([undefined])
  })

  it('gives another tenant nothing of the tenant in whose context the server was started', async () => {
    const { a, b } = world
    const answer = await world.as(b, `/documents/${a.documentId}`)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.text).not.toContain(a.id)
    expect(answer.text).not.toContain('First document')
  })
}
