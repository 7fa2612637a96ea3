import pg from 'pg'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createTenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import type { Stage } from './stage.ts'

/** One way to send the statements of tenants. */
export interface Side {
  run(tenantId: string, query: pg.QueryConfig): Promise<pg.QueryResult>
  end(): Promise<void>
}

export function rawSide(url: string, connections: number): Side {
  const pool = new pg.Pool({ connectionString: url, max: connections })
  // Its connections may still be closing when the bench stops the server.
  pool.on('error', () => {})
  return { run: (_tenantId, query) => pool.query(query), end: () => pool.end() }
}

/** A tenant pool. One tenant may hold all of its connections, because a limit per tenant would distort the comparison. */
export function walledSide(
  { url, secret, schemas }: Pick<Stage, 'url' | 'secret'> & Partial<Pick<Stage, 'schemas'>>,
  connections: number,
  sealed: boolean,
): Side {
  const pool = createTenantPool({
    connectionString: url,
    max: connections,
    perTenantConnections: connections,
    seal: sealed ? { secret } : false,
    roles: { tenant_admin: ['owner'] },
    logger: silentLogger,
  })
  pool.on('error', () => {})
  return {
    run: (tenantId, query) => {
      const schema = schemas?.get(tenantId)
      const placement = schema === undefined ? undefined : { schema }
      return runWithTenant({ tenantId, userId: 'u', placement }, () => pool.query(query))
    },
    end: () => pool.end(),
  }
}
