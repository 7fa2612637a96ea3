export { defineConfig, type ProjectConfig } from './config/project-config.ts'
export {
  getCurrentTenant,
  requireTenant,
  runWithoutTenant,
  runWithTenant,
  tryGetCurrentTenant,
} from './context/run-with-tenant.ts'
export { tenantStore } from './context/store.ts'
export type { Actor, TenantContext, TenantContextInput } from './context/tenant-context.ts'
export {
  AuditRequiredError,
  AuthenticationError,
  ClosedError,
  ConcurrencyExceededError,
  ConfigurationError,
  ConflictError,
  ConnectionInDoubtError,
  DependencyUnavailableError,
  type ErrorDetails,
  InvalidInputError,
  isPartywallError,
  NotFoundError,
  PartywallError,
  type PartywallErrorCode,
  PermissionDeniedError,
  ProtectionLostError,
  RateLimitExceededError,
  ResultTooLargeError,
  StatementRefusedError,
  TenantContextMissingError,
  TenantInactiveError,
  TenantIsolationError,
  TransactionRolledBackError,
} from './errors.ts'
export type { SecurityEvent, SecurityEventOf, SecurityEvents, SecurityEventType } from './events/security-events.ts'
export type { Logger } from './logger/logger.ts'
export {
  createPartywall,
  type DatabaseConfig,
  type FetchHandler,
  type HandleOptions,
  type Partywall,
  type PartywallConfig,
  type ProtectionWatchOptions,
  type TenantsConfig,
} from './partywall.ts'
