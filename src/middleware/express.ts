export { asyncRoute } from './async-route.ts'
export type { RequestWall } from './request-state.ts'
export {
  getCurrentTenant,
  requireTenant,
  type TenantContextOptions,
  tenantContextMiddleware,
  tenantStore,
} from './tenant-context.ts'
export { tenantErrorHandler } from './tenant-error-handler.ts'
export type { AgreementOptions } from './tenant-hints.ts'
export {
  type RateLimitHandler,
  TenantRateLimiter,
  type TenantRateLimiterOptions,
  tenantRateLimiter,
} from './tenant-rate-limiter.ts'
