import { beforeAll, expect, it } from 'vitest'
import { afterFile } from '../../setup/after-file.ts'
import { TcpProxy } from '../../setup/tcp-proxy.ts'
import type { Setting } from '../application.ts'
import { startWorld, type World } from '../world.ts'

export function blockedTenantBehaviours(serve: (setting: Setting) => Promise<string>): void {
  let world: World
  let proxy: TcpProxy
  let memberships = 0
  beforeAll(async () => {
    world = await startWorld(serve, {
      async through(url) {
        const started = await TcpProxy.start(url)
        proxy = started
        return started.url
      },
      // Each admission reads its tenant again.
      tenants: { ttlMs: 1, listenUrl: false },
      authorize() {
        memberships++
        return true
      },
    })
  })
  // After the wall, which closes its connections.
  afterFile(() => proxy.stop())

  /** The status of some requests, and what they cost. */
  async function costOf(requests: () => Promise<number[]>) {
    proxy.reset()
    memberships = 0
    const statuses = await requests()
    return { statuses, statements: proxy.count('E') + proxy.count('Q'), memberships }
  }

  it('asks neither directory nor membership nor database for a tenant that is over its limit', async () => {
    const tenant = await world.tenant('pro')
    const ask = async () => (await world.as(tenant, '/context')).status
    const admitted = await costOf(async () => [await ask(), await ask()])
    expect(admitted).toMatchObject({ statuses: [200, 200], memberships: 2 })
    expect(admitted.statements).toBeGreaterThan(0)
    // The limits refuse this one, and remember it for a second.
    const rounds = async () => {
      expect(await ask()).toBe(429)
      return costOf(async () => [await ask(), await ask(), await ask()])
    }
    let refused = await rounds()
    // On a slow machine the second may be over.
    for (let again = 0; again < 5 && refused.memberships > 0; again++) refused = await rounds()
    expect(refused).toEqual({ statuses: [429, 429, 429], statements: 0, memberships: 0 })
  })

  it('tells a tenant that is refused early the same as one that the limits refuse', async () => {
    const tenant = await world.tenant('pro')
    for (let round = 0; round < 2; round++) await world.as(tenant, '/context')
    const [limited, early] = [await world.as(tenant, '/context'), await world.as(tenant, '/context')]
    expect([limited.status, early.status]).toEqual([429, 429])
    const shown = ({ headers, body }: typeof early) => [
      Object.keys(headers).sort(),
      { ...body, instance: '', retryAfter: 0 },
      headers['content-type']?.split(';')[0],
      headers['cache-control'],
      headers['ratelimit-policy'],
    ]
    expect(shown(early)).toEqual(shown(limited))
    expect(early.body['instance']).toBe(early.headers['x-request-id'])
  })
}
