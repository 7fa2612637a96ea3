export type { RequestWall } from '../http/request-wall.ts'
export type { AgreementOptions } from '../http/tenant-hints.ts'
export { asyncRoute } from './async-route.ts'
export { type FoundRoute, findUndeclaredRoutes, type RouteReport } from './find-undeclared-routes.ts'
export {
  publicRoute,
  type RequirePermissionOptions,
  type RoutePermissions,
  routePermissions,
} from './require-permission.ts'
export { type ResponseGuardOptions, responseGuard } from './response-guard.ts'
export type { RouteDeclaration } from './route-declaration.ts'
export {
  getCurrentTenant,
  requireTenant,
  type TenantContextOptions,
  tenantContextMiddleware,
  tenantStore,
} from './tenant-context.ts'
export { tenantErrorHandler } from './tenant-error-handler.ts'
export {
  type RateLimitHandler,
  TenantRateLimiter,
  type TenantRateLimiterOptions,
  tenantRateLimiter,
} from './tenant-rate-limiter.ts'
