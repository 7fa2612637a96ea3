import { createTenantPool, type TenantPool } from '../database/pool/create-tenant-pool.ts'
import { silentLogger } from '../logger/logger.ts'

/** The application's login, and how it connects. */
interface Login {
  readonly databaseUrl: string
  /** The root secret of the seal; undefined if the database has no seal. */
  readonly sealSecret: string | undefined
  /** Whether a pooler that changes the session between transactions is in front of the server; default: none. */
  readonly pooler?: boolean | undefined
}

/** A pool of one connection that asks the database what the wall of the application would ask. The caller must close it. */
export function openLoginPool({ databaseUrl, sealSecret, pooler }: Login): TenantPool {
  const pool = createTenantPool({
    connectionString: databaseUrl,
    max: 1,
    connectionTimeoutMillis: 10_000,
    // Use the roles that a wall uses by default: the rights on the directory are granted to these roles, and not to the login.
    roles: { tenant_admin: ['owner', 'admin'] },
    seal: sealSecret === undefined ? false : { secret: sealSecret },
    pooler: pooler === true ? 'transaction' : 'none',
    logger: silentLogger,
  })
  pool.on('error', () => {}) // the statement gets the error too
  return pool
}
