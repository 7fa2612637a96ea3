export { type MigrateOptions, type MigrateResult, migrate, pendingMigrations } from '../migrate/migrate.ts'
export type { TenantLevel } from '../seal/seal.ts'
export type { SecretSource } from '../seal/seal-source.ts'
export { type CheckOptions, refuseFindings } from './check/check-database.ts'
export type { DatabaseFinding } from './check/database-finding.ts'
export type { DriverModule } from './drivers/bound-client.ts'
export type { KnexPool } from './drivers/knex-pool.ts'
export { poolClassOf, type TenantPoolClass } from './drivers/pool-class.ts'
export type { SlonikDriverFactory, SlonikParts } from './drivers/slonik-driver.ts'
export { createTenantDrivers, type TenantDrivers } from './drivers/tenant-drivers.ts'
export { createEntryPool } from './pool/create-entry-pool.ts'
export { createTenantPool, type PreparedQueryConfig, type TenantPool } from './pool/create-tenant-pool.ts'
export type { CrossingRequest } from './pool/crossing.ts'
export type { TenantTransaction, TransactionOptions } from './pool/transaction.ts'
export type { JsTransaction, PostgresJs } from './postgres-js/shapes.ts'
export {
  createTenantTransaction,
  type JsTransactionOptions,
  type TenantTransactionOfJs,
} from './postgres-js/tenant-transaction.ts'
export type {
  CrossingRecord,
  SealOptions,
  TenantPoolExtras,
  TenantPoolOptions,
  TenantRoles,
} from './settings/options.ts'
export type { CopyIntoOptions, CopyRow, CopyRows } from './statement/copy-into.ts'
