import type pg from 'pg'
import { runWithTenant } from '../context/run-with-tenant.ts'
import type { DatabaseFinding } from '../database/check/database-finding.ts'
import { createTenantPool, type TenantPool } from '../database/pool/create-tenant-pool.ts'
import { WalledPool } from '../database/pool/walled-pool.ts'
import type { TenantPoolOptions } from '../database/settings/options.ts'
import { ConfigurationError, ConnectionInDoubtError } from '../errors.ts'
import { silentLogger } from '../logger/logger.ts'
import { digestQuery, type ProtectionDigest, pinned } from './digest-query.ts'
import { type ProtectionState, readState } from './protected-object.ts'
import { stateQuery } from './state-query.ts'

/** Reads the protection of one database, on connections that tenants' work does not use. */
export interface ProtectionReader {
  /** For partywall's own work that must go on while tenants are refused: checks, alerts. */
  readonly pool: TenantPool
  digest(): Promise<ProtectionDigest>
  state(): Promise<ProtectionState>
  /** Returns a text `purpose hash` for each policy and function that some release of partywall creates. */
  known(): Promise<ReadonlySet<string>>
  /** Runs those checks of `wall.ready()` that are about the database. */
  check(): Promise<readonly DatabaseFinding[]>
  close(): Promise<void>
}

const TENANT_COLUMNS = ['tenant_id']
/** Two connections: one for the comparison, one for other work of partywall at the same time. */
const CONNECTIONS = 2

/**
 * Makes a reader with its own small pool, which logs in as the application does. Opens no connection yet.
 *
 * @param timeoutMs how long one reading may take; then its connection is destroyed
 */
export function createProtectionReader(options: TenantPoolOptions, timeoutMs: number): ProtectionReader {
  const { acrossTenantsUrl: _, onConnect: __, pipelinedConnections: ___, perTenantConnections: ____, ...rest } = options
  const pool = createTenantPool({
    ...rest,
    max: CONNECTIONS,
    min: 0,
    // Keep the connections open: a tenant may occupy all connections of the server, and then no new one could be opened.
    idleTimeoutMillis: 0,
    // An idle connection must not keep the process alive. A connection that is reading must keep it alive, because
    // `await wall.ready()` may be the only thing that the process waits for.
    allowExitOnIdle: true,
    connectionTimeoutMillis: timeoutMs,
    application_name: 'partywall protection watch',
    logger: silentLogger,
  })
  pool.on('error', () => {}) // the next reading opens another connection, or counts as missed
  if (!(pool instanceof WalledPool)) throw new ConfigurationError('createTenantPool() made a pool of another class.')
  const walled: WalledPool = pool
  const settingName = walled.settings.settingName

  return {
    pool,
    async digest() {
      const rows = await readWithFixedSettings(walled, digestQuery(TENANT_COLUMNS), timeoutMs)
      return new Map(rows.map((row) => [String(row['category']), String(row['digest'])]))
    },
    async state() {
      const rows = await readWithFixedSettings(walled, stateQuery(TENANT_COLUMNS, settingName), timeoutMs * 4)
      return readState(rows.map((row) => row['object']))
    },
    async known() {
      // Read as tenant_user, which may call this function, in the context of a tenant that does not exist.
      const rows = await runWithTenant({ tenantId: PROBE, userId: PROBE }, () =>
        walled.ask('select k.purpose, k.hash from partywall.known_protection_hashes() as k'),
      )
      return new Set(rows.rows.map((row: { purpose: string; hash: string }) => `${row.purpose} ${row.hash}`))
    },
    check: () => pool.checkDatabase({ tenantColumns: TENANT_COLUMNS }),
    close: () => pool.close({ timeoutMs: 1_000 }),
  }
}

const PROBE = 'partywall-check'

/**
 * Runs a statement in a transaction with fixed settings, in one round trip. If the server does not answer, the connection is destroyed, so
 * that the next reading gets a new connection.
 */
async function readWithFixedSettings(pool: WalledPool, statement: string, timeoutMs: number) {
  const client = await pool.leaseFor(undefined)
  const timer = setTimeout(
    () => client.destroySocket(new ConnectionInDoubtError('The protection of the tables could not be read in time.')),
    timeoutMs + 1_000,
  ).unref()
  try {
    const answers: unknown = await client.runRaw(pinned(statement, timeoutMs), [])
    pool.takeBack(client)
    return rowsOf(answers)
  } catch (error) {
    pool.takeBack(client, error instanceof Error ? error : new Error(String(error)))
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Returns the rows of the one statement that returns rows. For several statements pg returns a list of results. */
function rowsOf(answers: unknown): readonly Readonly<Record<string, unknown>>[] {
  const list: readonly unknown[] = Array.isArray(answers) ? answers : [answers]
  return list.flatMap((answer) => (isResult(answer) ? answer.rows : []))
}

function isResult(answer: unknown): answer is pg.QueryResult<Record<string, unknown>> {
  return typeof answer === 'object' && answer !== null && 'rows' in answer && Array.isArray(answer.rows)
}
