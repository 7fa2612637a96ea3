import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createTenantPool, type TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import type { TenantPoolOptions } from '../../src/database/settings/options.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from './database.ts'

/** Two tenants on one database, and pools as an application has them. */
export interface TwoTenants {
  readonly database: TestDatabase
  readonly a: TestTenant
  readonly b: TestTenant
  /** One connection, so that each tenant gets what the other left; closed by its caller. */
  pool(options?: Partial<TenantPoolOptions>): TenantPool
  /** The same, closed when `fn` has ended. */
  withPool<T>(options: Partial<TenantPoolOptions>, fn: (pool: TenantPool) => Promise<T>): Promise<T>
  as<T>(tenant: TestTenant, fn: () => T, roles?: readonly string[]): T
}

export async function createTwoTenants(): Promise<TwoTenants> {
  const database = await createTestDatabase()
  const a = await createTestTenant(database)
  const b = await createTestTenant(database)
  const open = (options: Partial<TenantPoolOptions> = {}) =>
    createTenantPool({
      connectionString: database.appUrl,
      max: 1,
      seal: { secret: database.sealSecret },
      roles: { tenant_admin: ['owner'] },
      logger: silentLogger,
      ...options,
    })
  return {
    database,
    a,
    b,
    pool: open,
    async withPool(options, fn) {
      const pool = open(options)
      try {
        return await fn(pool)
      } finally {
        if (!pool.ending) await pool.end()
      }
    },
    as: (tenant, fn, roles = []) => runWithTenant({ tenantId: tenant.id, userId: tenant.userId, roles }, fn),
  }
}
