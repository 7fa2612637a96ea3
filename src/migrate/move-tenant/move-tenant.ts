import pg from 'pg'
import { codeOf } from '../../config/connection-problem.ts'
import { isTenantSchemaName } from '../../context/placement.ts'
import { ConfigurationError } from '../../errors.ts'
import { endFailedMove } from './end-failed-move.ts'
import { type MovedTable, movedTables } from './moved-tables.ts'
import { waitForOthers } from './wait-for-others.ts'

/** SQLSTATE of `partywall.begin_move()` for a tenant that another session moves. */
const MOVED_BY_ANOTHER = '55006'

/** Options of {@link moveTenant}. */
export interface MoveTenantOptions {
  /** URL of the migration role, which owns the tables of both places and is a member of `partywall_owner`. */
  readonly databaseUrl: string
  /** The tenant's canonical id. */
  readonly tenant: string
  /** The tenant's schema, installed by `partywall.install_schema(schema, tenant, place => false)`. */
  readonly schema: string
  /** Where the rows go: into the schema, or into the shared tables. */
  readonly to: 'schema' | 'shared'
  /** The schema of the shared tables; default `public`. */
  readonly shared?: string | undefined
  /** The column of shared tables that names the tenant; default `tenant_id`. */
  readonly tenantColumn?: string | undefined
  /** The setting that policies read; default `app.current_tenant_id`. */
  readonly setting?: string | undefined
  /** How long to wait for transactions that were open before, in milliseconds; default 30_000. The tenant is refused meanwhile. */
  readonly waitMs?: number | undefined
  readonly onProgress?: ((step: string) => void) | undefined
}

/** What a move did. */
export interface MovedTenant {
  readonly tables: readonly { readonly name: string; readonly rows: number }[]
  /** How long the tenant's statements were refused, in milliseconds. */
  readonly downtimeMs: number
}

/**
 * Moves the rows of one tenant between the shared tables and a schema of its own.
 *
 * During the move the database refuses all statements of the tenant, including those of processes that still have the old placement in
 * their cache. One transaction copies the rows, compares them by count and checksum, deletes them in the old place, and changes the
 * placement. If anything fails, or if this process ends, the transaction is rolled back, and the tenant works in its old place.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the tables of both places differ, the schema is not the tenant's, or rows do not
 *   match
 * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` if other transactions do not end within `waitMs`
 */
export async function moveTenant(options: MoveTenantOptions): Promise<MovedTenant> {
  const { databaseUrl, tenant, schema, to, onProgress = () => {}, waitMs = 30_000 } = options
  const { shared = 'public', tenantColumn = 'tenant_id', setting = 'app.current_tenant_id' } = options
  if (!isTenantSchemaName(schema))
    throw new ConfigurationError('moveTenant({ schema }): this is no name of a tenant’s schema.')
  const client = new pg.Client({ connectionString: databaseUrl })
  client.on('error', () => {}) // the running statement gets the error too
  await client.connect()
  let began = 0
  try {
    await client.query(
      "set lock_timeout = '10s'; set statement_timeout = 0; set idle_in_transaction_session_timeout = 0",
    )
    await refuseWrongMove(client, options)
    const tables = await movedTables(client, { shared, schema, tenantColumn })
    if (tables.length === 0) throw new ConfigurationError(`${shared} and ${schema} have no table in common.`)
    began = Date.now()
    onProgress('the tenant is refused from now on')
    await client.query('call partywall.begin_move($1)', [tenant])
    await waitForOthers(client, waitMs)
    onProgress('no other transaction uses the old place')
    const moved = await copyAndSwitch(client, tables, { tenant, to, schema, shared, setting, onProgress })
    const downtimeMs = Date.now() - began
    // begin_move() took an advisory lock, which this session holds until it ends. Transactions that began before the move still read the old
    // placement, and the database refuses them as long as the lock is held. So wait for them before the session ends.
    await waitForOthers(client, waitMs).catch(() => {})
    return { tables: moved, downtimeMs }
  } catch (error) {
    await client.query('rollback').catch(() => {})
    if (began > 0 && codeOf(error) !== MOVED_BY_ANOTHER) await endFailedMove(client, databaseUrl, tenant)
    throw error
  } finally {
    await client.end().catch(() => {})
  }
}

async function refuseWrongMove(client: pg.Client, { tenant, schema, to }: MoveTenantOptions): Promise<void> {
  const { rows } = await client.query<{ owner: string | null; place: string | null }>(
    `select (select r.tenant_id from partywall.schemas r where r.schema_name = $2) as owner,
       (select s.schema_name from partywall.tenant_states s where s.tenant_id = $1) as place`,
    [tenant, schema],
  )
  const { owner = null, place = null } = rows[0] ?? {}
  if (owner !== tenant)
    throw new ConfigurationError(
      `Schema ${schema} is not registered for this tenant. CALL partywall.install_schema('${schema}', '<id of the tenant>', place => false);`,
    )
  const isInSchema = place === schema
  if (isInSchema === (to === 'schema'))
    throw new ConfigurationError(
      `The tenant’s tables are in ${isInSchema ? `schema ${schema}` : 'the shared tables'} already.`,
    )
}

interface Move {
  readonly tenant: string
  readonly to: 'schema' | 'shared'
  readonly schema: string
  readonly shared: string
  readonly setting: string
  readonly onProgress: (step: string) => void
}

async function copyAndSwitch(
  client: pg.Client,
  tables: readonly MovedTable[],
  { tenant, to, schema, shared, setting, onProgress }: Move,
): Promise<MovedTenant['tables']> {
  await client.query('begin')
  // Row-level security is forced, so it also applies to the owner, who runs this. Without the tenant the owner would see no row.
  await client.query("select pg_catalog.set_config($1, $2, true), pg_catalog.set_config('search_path', $3, true)", [
    setting,
    tenant,
    `"${to === 'schema' ? schema : shared}", pg_temp`,
  ])
  await client.query('set constraints all deferred')
  const moved: { name: string; rows: number }[] = []
  for (const table of tables) {
    moved.push({ name: table.name, rows: await copyTable(client, table, tenant, to) })
    onProgress(`${table.name} was copied`)
  }
  for (const table of [...tables].reverse()) await emptySource(client, table, tenant, to)
  await client.query('call partywall.place_tenant($1, $2)', [tenant, to === 'schema' ? schema : null])
  await client.query('call partywall.end_move($1)', [tenant])
  await client.query('commit')
  onProgress('the tenant works in its new place')
  return moved
}

async function copyTable(client: pg.Client, table: MovedTable, tenant: string, to: Move['to']): Promise<number> {
  const [source, target] = to === 'schema' ? (['shared', 'own'] as const) : (['own', 'shared'] as const)
  const foreign = table.ownHasTenant
    ? await client.query(
        `select from ${table.own} where ${table.tenantColumn} is distinct from $1::${table.tenantType} limit 1`,
        [tenant],
      )
    : undefined
  if (foreign !== undefined && foreign.rowCount !== 0)
    throw new ConfigurationError(`${table.own} has a row that names another tenant. Correct it first.`)
  const before = await summary(client, table, tenant, target)
  if (before.rows !== 0)
    throw new ConfigurationError(`${table[target]} has rows of the tenant already. Remove them first.`)
  const expected = await summary(client, table, tenant, source)
  const withTenant = target === 'shared' || table.ownHasTenant
  const columns = [...table.columns, ...(withTenant ? [table.tenantColumn] : [])].join(', ')
  const values = [...table.columns, ...(withTenant ? [`$1::${table.tenantType}`] : [])].join(', ')
  const filter = filterOf(table, source)
  const usesTenant = withTenant || filter !== ''
  await client.query(
    `insert into ${table[target]} (${columns}) overriding system value select ${values} from ${table[source]}${filter}`,
    usesTenant ? [tenant] : [],
  )
  const found = await summary(client, table, tenant, target)
  if (found.rows !== expected.rows || found.checksum !== expected.checksum)
    throw new ConfigurationError(
      found.rows === expected.rows
        ? `${table[target]} and ${table[source]} have ${found.rows} rows each, but with different values. A trigger may have changed them.`
        : `${table[target]} has ${found.rows} rows after the copy, but ${table[source]} has ${expected.rows}. A trigger or a rule may have changed them.`,
    )
  for (const column of table.numbered) await advance(client, table[target], column)
  return found.rows
}

function filterOf({ tenantColumn, tenantType, ownHasTenant }: MovedTable, place: 'shared' | 'own'): string {
  return place === 'shared' || ownHasTenant ? ` where ${tenantColumn} = $1::${tenantType}` : ''
}

/** Number of the tenant's rows, and a checksum that does not depend on their order. */
async function summary(
  client: pg.Client,
  table: MovedTable,
  tenant: string,
  place: 'shared' | 'own',
): Promise<{ readonly rows: number; readonly checksum: string }> {
  const filter = filterOf(table, place)
  const { rows } = await client.query<{ rows: string; checksum: string }>(
    `select count(*)::text as rows, coalesce(sum(pg_catalog.hashtextextended(row(${table.columns.join(', ')})::text, 0)::numeric), 0)::text as checksum from ${table[place]}${filter}`,
    filter === '' ? [] : [tenant],
  )
  return { rows: Number(rows[0]?.rows ?? 0), checksum: rows[0]?.checksum ?? '' }
}

/** Moves the sequence of a column forward to the greatest value in the column. Never moves it backward. */
async function advance(client: pg.Client, table: string, column: string): Promise<void> {
  await client.query(
    `select pg_catalog.setval(s.seq, s.greatest) from (select pg_catalog.pg_get_serial_sequence($1, $2)::pg_catalog.regclass as seq, (select max(${column}) from ${table}) as greatest) s
     where s.seq is not null and s.greatest > coalesce(pg_catalog.pg_sequence_last_value(s.seq), 0)`,
    [table, column.replace(/^"|"$/g, '')],
  )
}

async function emptySource(client: pg.Client, table: MovedTable, tenant: string, to: Move['to']): Promise<void> {
  const source = to === 'schema' ? 'shared' : 'own'
  const filter = filterOf(table, source)
  await client.query(`delete from ${table[source]}${filter}`, filter === '' ? [] : [tenant])
  const left = await summary(client, table, tenant, source)
  if (left.rows !== 0)
    throw new ConfigurationError(`Rows of the tenant stayed in ${table[source]}. A policy or trigger keeps them.`)
}
