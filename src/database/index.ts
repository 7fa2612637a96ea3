export { createTenantPool, type TenantPool } from './create-tenant-pool.ts'
export type {
  CrossingRecord,
  SealOptions,
  TenantPoolExtras,
  TenantPoolOptions,
  TenantRoles,
} from './options.ts'
export type { TenantTransaction, TransactionOptions } from './transaction.ts'
export type { TenantLevel } from './wall-settings.ts'
