export { type CheckOptions, type DatabaseFinding, refuseFindings } from './check-database.ts'
export type { CopyIntoOptions, CopyRow, CopyRows } from './copy-into.ts'
export { createTenantPool, type PreparedQueryConfig, type TenantPool } from './create-tenant-pool.ts'
export type { CrossingRequest } from './crossing.ts'
export { type MigrateOptions, type MigrateResult, migrate, pendingMigrations } from './migrate.ts'
export type {
  CrossingRecord,
  SealOptions,
  TenantPoolExtras,
  TenantPoolOptions,
  TenantRoles,
} from './options.ts'
export type { SecretSource } from './seal-source.ts'
export type { TenantTransaction, TransactionOptions } from './transaction.ts'
export type { TenantLevel } from './wall-settings.ts'
