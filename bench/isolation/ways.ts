import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import postgres from 'postgres'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createTenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import type { Stage } from './stage.ts'

/** One way to read one row of one tenant. */
export interface Way {
  readonly name: string
  /** Reads row `id` of the tenant. Returns the number of rows. */
  read(tenantId: string, id: number): Promise<number>
  close(): Promise<void>
}

const CONNECTIONS = 10
// The statement filters by tenant on all sides, as the repository does. Row-level security is added to that.
const text = (table: string) => `select id, title, body from ${table} where tenant_id = $1 and id = $2`

interface WayOptions {
  readonly url: string
  readonly connections?: number
  readonly pipelined?: boolean
  /** False: statements have no name, as those of ORMs. */
  readonly named?: boolean
}

export function rawPg(options: WayOptions): Way {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.connections ?? CONNECTIONS,
    ...(options.pipelined === true ? { pipeline: true } : {}),
  })
  const name = options.named === false ? {} : { name: 'read' }
  return {
    name: options.named === false ? 'raw pg without names' : 'raw pg, hand-written filter',
    async read(tenantId, id) {
      const { rows } = await pool.query({ ...name, text: text('plain'), values: [tenantId, id] })
      return rows.length
    },
    close: () => pool.end(),
  }
}

export function partywall(options: WayOptions, stage: Stage, sealed: boolean): Way {
  const pool = createTenantPool({
    connectionString: options.url,
    max: options.connections ?? CONNECTIONS,
    seal: sealed ? { secret: stage.sealSecret } : false,
    roles: {},
    logger: silentLogger,
    // Uses the tenant pool's pipelined connections and not pg's option: only there may tenants share a connection with running queries.
    ...(options.pipelined === true ? { pipelinedConnections: options.connections ?? CONNECTIONS } : {}),
  })
  const name = options.named === false ? {} : { name: 'read' }
  const queryText = text(sealed ? 'sealed' : 'walled')
  return {
    name: `partywall, ${sealed ? 'sealed' : 'unsealed'}${options.named === false ? ', without names' : ''}`,
    async read(tenantId, id) {
      const { rows } = await runWithTenant({ tenantId, userId: 'bench' }, () =>
        pool.query({ ...name, text: queryText, values: [tenantId, id] }),
      )
      return rows.length
    },
    close: () => pool.end(),
  }
}

export function transactionPg(options: WayOptions): Way {
  const pool = new pg.Pool({ connectionString: options.url, max: CONNECTIONS })
  return {
    name: 'pg: BEGIN, set_config, query, COMMIT',
    async read(tenantId, id) {
      const client = await pool.connect()
      try {
        await client.query('begin')
        await client.query({
          name: 'context',
          text: "select set_config('role', 'tenant_user', true), set_config('app.current_tenant_id', $1, true)",
          values: [tenantId],
        })
        const { rows } = await client.query({ name: 'read', text: text('walled'), values: [tenantId, id] })
        await client.query('commit')
        return rows.length
      } finally {
        client.release()
      }
    },
    close: () => pool.end(),
  }
}

export function postgresJs(options: WayOptions): Way {
  const db = postgres(options.url, { max: CONNECTIONS })
  return {
    name: 'postgres.js: begin, set_config, query',
    async read(tenantId, id) {
      const rows = await db.begin(async (transaction) => {
        await transaction`select set_config('role', 'tenant_user', true), set_config('app.current_tenant_id', ${tenantId}, true)`
        return transaction`select id, title, body from walled where tenant_id = ${tenantId} and id = ${id}`
      })
      return rows.length
    },
    close: () => db.end(),
  }
}

export function drizzleTransaction(options: WayOptions): Way {
  const pool = new pg.Pool({ connectionString: options.url, max: CONNECTIONS })
  const db = drizzle(pool)
  return {
    name: 'Drizzle: transaction, set_config, query',
    async read(tenantId, id) {
      const { rows } = await db.transaction(async (transaction) => {
        await transaction.execute(
          sql`select set_config('role', 'tenant_user', true), set_config('app.current_tenant_id', ${tenantId}, true)`,
        )
        return transaction.execute(sql`select id, title, body from walled where tenant_id = ${tenantId} and id = ${id}`)
      })
      return rows.length
    },
    close: () => pool.end(),
  }
}
