import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { TenantAuditLogger, type TenantAuditLoggerOptions } from '../../src/audit/index.ts'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createTenantPool, type TenantPool, type TenantPoolOptions } from '../../src/database/index.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'

/** A database with a sealed pool, a reserved one, an audit logger and tenants A and B. */
export interface AuditWorld {
  readonly database: TestDatabase
  readonly pool: TenantPool
  readonly audit: TenantAuditLogger
  readonly a: TestTenant
  readonly b: TestTenant
  /** Runs as the owner of tenant A, B or another. */
  as<T>(tenant: { readonly id: string; readonly userId: string }, work: () => Promise<T>): Promise<T>
  newPool(options?: Partial<TenantPoolOptions>): TenantPool
  newAudit(options?: Partial<TenantAuditLoggerOptions>): TenantAuditLogger
  /** A plain connection of a login that is a member of one of the audit's roles. */
  login(role: string): Promise<string>
  client(url: string): Promise<pg.Client>
}

export async function createAuditWorld(): Promise<AuditWorld> {
  const database = await createTestDatabase()
  const closers: (() => Promise<unknown>)[] = []
  afterFile(async () => {
    for (const close of closers) await close()
  })
  function newPool(options: Partial<TenantPoolOptions> = {}): TenantPool {
    const pool = createTenantPool({
      connectionString: database.appUrl,
      seal: { secret: database.sealSecret },
      roles: { tenant_admin: ['owner', 'admin'] },
      logger: silentLogger,
      max: 5,
      ...options,
    })
    closers.push(() => pool.close())
    return pool
  }
  const pool = newPool()
  const reserved = newPool({ max: 2 })
  function newAudit(options: Partial<TenantAuditLoggerOptions> = {}): TenantAuditLogger {
    const audit = new TenantAuditLogger({ pool, reserved, logger: silentLogger, ...options })
    closers.unshift(() => audit.close())
    return audit
  }
  const logins: string[] = []
  closers.push(async () => {
    for (const name of logins) {
      await database.admin(`revoke all on database "${database.name}" from ${name}`)
      await database.admin(`drop role ${name}`)
    }
  })
  return {
    database,
    pool,
    audit: newAudit(),
    a: await createTestTenant(database),
    b: await createTestTenant(database),
    as: ({ id, userId }, work) => runWithTenant({ tenantId: id, userId, roles: ['owner'] }, work),
    newPool,
    newAudit,
    async login(role) {
      const name = `login_${randomUUID().slice(0, 8)}`
      await database.admin(`create role ${name} login password '${database.appPassword}' in role ${role}`)
      logins.push(name)
      const url = new URL(database.appUrl)
      url.username = name
      return url.href
    },
    async client(url) {
      const client = new pg.Client({ connectionString: url })
      client.on('error', () => {}) // ends with the database
      await client.connect()
      closers.unshift(() => client.end())
      return client
    },
  }
}
