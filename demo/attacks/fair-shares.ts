// One tenant's flood, and a dependency that is down.

import { silentLogger } from '../../src/logger/logger.ts'
import { createPartywall } from '../../src/partywall.ts'
import { type AttackGroup, failureOf, outcome } from '../attack.ts'

const FLOOD = 65

function shown(headers: Headers | undefined): string {
  const names = ['X-RateLimit-Limit-Minute', 'X-RateLimit-Remaining-Burst', 'Retry-After']
  return names.map((name) => `${name}: ${headers?.get(name) ?? 'none'}`).join(', ')
}

export const fairShares: AttackGroup = {
  title: 'Fair shares, and dependencies that are down',
  attacks: [
    {
      id: 'limits-flood',
      title: `a tenant of tier free sends ${FLOOD} requests to /ping, another one asks once`,
      layer: 'limits',
      lines: ['completed-rate-limits'],
      async run({ newTenant }) {
        const loud = await newTenant('Umbrella', { tier: 'free', role: 'owner' })
        const quiet = await newTenant('Wonka', { tier: 'free', role: 'owner' })
        await loud.api.get('/me') // from now on its token is in the cache
        const answers = await Promise.all(Array.from({ length: FLOOD }, () => loud.api.get('/ping')))
        const refused = answers.filter(({ status }) => status === 429)
        const neighbour = await quiet.api.get('/ping')
        const headers = refused[0]?.headers
        const told =
          headers?.get('x-ratelimit-limit-minute') === '60' &&
          headers.has('x-ratelimit-remaining-day') &&
          Number(headers.get('retry-after')) >= 1
        return outcome(
          refused.length >= 5 && told && neighbour.status === 200,
          `${FLOOD - refused.length} served, ${refused.length} answered 429 (${shown(headers)}), the neighbour ${neighbour.status}`,
        )
      },
    },
    {
      id: 'limits-tiers',
      title: 'the same flood from a tenant of tier pro',
      layer: 'limits',
      lines: ['completed-rate-limits'],
      async run({ newTenant }) {
        const pro = await newTenant('Stark', { tier: 'pro', role: 'owner' })
        await pro.api.get('/me')
        const answers = await Promise.all(Array.from({ length: FLOOD }, () => pro.api.get('/ping')))
        const served = answers.filter(({ status }) => status === 200).length
        const limit = answers[0]?.headers.get('x-ratelimit-limit-minute')
        return outcome(served > 10 && limit === '300', `${served} served, ${limit} a minute`)
      },
    },
    {
      id: 'breaker-directory',
      title: 'the tenant directory is down for 40 requests',
      lines: ['security-circuit-breaker'],
      async run({ kit, a }) {
        let asked = 0
        let down = true
        const wall = createPartywall({
          database: { url: kit.env.databaseUrl, max: 2 },
          auth: kit.env.auth,
          seal: { secret: kit.env.sealSecret },
          audit: false,
          logger: silentLogger,
          tenants: {
            async findByClaim(key) {
              asked += 1
              if (down) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
              return { id: a.id, key, status: 'active', tier: 'free' }
            },
          },
        })
        try {
          const codes = new Set<string>()
          for (let request = 0; request < 40; request++) {
            codes.add(
              await failureOf(async () => wall.admit({ token: await a.helper.token(), requestId: 'demo', hints: [] })),
            )
          }
          const whileDown = asked
          down = false
          const deadline = Date.now() + 10_000
          let code = ''
          while (code !== 'no error' && Date.now() < deadline) {
            await new Promise((resolve) => setTimeout(resolve, 100))
            code = await failureOf(async () =>
              wall.admit({ token: await a.helper.token(), requestId: 'demo', hints: [] }),
            )
          }
          const onlyUnavailable = codes.size === 1 && codes.has('PARTYWALL_DEPENDENCY_UNAVAILABLE')
          return outcome(
            onlyUnavailable && whileDown < 20 && code === 'no error',
            `asked ${whileDown} times in 40 requests, all refused with 503; ${code === 'no error' ? 'back by itself' : 'it did not come back'}`,
          )
        } finally {
          await wall.close({ timeoutMs: 1_000 })
        }
      },
    },
  ],
}
