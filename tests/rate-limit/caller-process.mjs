// One of several processes that hammer one tenant; prints when (by the store's clock) each admitted request was admitted.
// Runs the built package, as a user's process does.
import process from 'node:process'

const { url, tenantId, tiers, callers, forMs, clockShiftMs } = JSON.parse(process.argv[2])
if (clockShiftMs !== 0) {
  const real = Date.now
  Date.now = () => real() + clockShiftMs
}
const { createRateLimiter, createRedisStore } = await import('../../dist/src/rate-limit/index.js')

const admittedAt = []
let calls = 0
const errors = []
const inner = createRedisStore(url)
const store = {
  ...inner,
  async decide(scopes, cost) {
    calls++
    try {
      const reply = await inner.decide(scopes, cost)
      if (reply.admitted) admittedAt.push(reply.now)
      return reply
    } catch (error) {
      errors.push(String(error))
      throw error
    }
  },
}
const limiter = createRateLimiter({ store, tiers, denyCacheMs: 0, storeTimeoutMs: 20_000, onStoreFailure: 'closed' })
await limiter.ready()
const end = performance.now() + forMs
async function caller() {
  while (performance.now() < end) await limiter.check({ tenantId, tier: 'free' })
}
await Promise.all(Array.from({ length: callers }, caller))
await limiter.close()
process.stdout.write(JSON.stringify({ admittedAt, calls, errors }))
