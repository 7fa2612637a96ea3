export { type RefusalAnswer, rateLimitHeaders, refusalAnswer } from './answer.ts'
export type { LimiterMode, LimitState, RateLimitDecision } from './decision.ts'
export {
  createFailedTokenLimiter,
  type FailedTokenLimiter,
  type FailedTokenLimiterOptions,
  type FailedTokenVerdict,
} from './failed-token-limiter.ts'
export type { Concurrency } from './in-flight.ts'
export { DEFAULT_TIERS, type Limits, type ScopeLimits, type TierLimits } from './limits.ts'
export { createMemoryStore, type MemoryStoreOptions } from './memory-store.ts'
export type { RateLimiterOptions } from './options.ts'
export { createRateLimiter, type RateLimiter, type TenantUsage } from './rate-limiter.ts'
export type { IoredisClient, NodeRedisClient, RedisClient } from './redis-client.ts'
export { createRedisStore, type RedisStoreOptions } from './redis-store.ts'
export type { RateLimitRequest } from './request.ts'
export type { Override, RateLimitStore, Scope, ScopeReply, StoreReply } from './store.ts'
