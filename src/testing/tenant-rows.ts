import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { ConfigurationError } from '../errors.ts'
import { madeUpValue, newId, readColumns, type TableColumn } from './made-up-row.ts'

/** The table of tenants of an application. Names may contain a schema: `app.organizations`. */
export interface TenantsTable {
  /** Default `public.tenants`. */
  readonly table?: string | undefined
  /** The column that other tables refer to; default `id`. */
  readonly id?: string | undefined
  /**
   * The column whose value is the tenant claim of a token, such as a slug. Default: `key` if the table has this column, otherwise the id.
   */
  readonly key?: string | undefined
  /** The column with the status; default `status`. The table needs it only for `suspend()` and `activate()`. */
  readonly status?: string | undefined
  /** Values of further columns. A column that is not given here gets a made-up value if it is NOT NULL and has no default. */
  readonly values?: Readonly<Record<string, unknown>> | undefined
}

/** Writes rows of the table of tenants. */
interface TenantRows {
  /** Inserts a tenant, and returns its id as text. */
  plant(tenant: { readonly key: string; readonly name: string; readonly tier: string }): Promise<string>
  setStatus(id: string, status: string): Promise<void>
}

/**
 * Plants tenants. The role of the pool may be a superuser or the owner of the tables. Each transaction sets the new tenant as the context,
 * so that forced policies let the owner insert the tenant's row.
 *
 * @param setting the setting that policies read
 */
export function createTenantRows(
  pool: pg.Pool,
  options: TenantsTable = {},
  setting = 'app.current_tenant_id',
): TenantRows {
  const { table = 'public.tenants', id = 'id', status = 'status' } = options
  const name = table.split('.').map(pg.escapeIdentifier).join('.')
  let columns: Promise<readonly TableColumn[]> | undefined
  const known = () => {
    columns ??= readColumns(pool, name, table)
    return columns
  }

  async function asTenant(tenantId: string, text: string, values: readonly unknown[]): Promise<void> {
    const client = await pool.connect()
    try {
      await client.query('begin')
      await client.query('select set_config($1, $2, true)', [setting, tenantId])
      await client.query(text, [...values])
      await client.query('commit')
    } catch (error) {
      await client.query('rollback')
      throw (await inheriting(client, error)) ?? error
    } finally {
      client.release()
    }
  }

  return {
    async plant(tenant) {
      const all = await known()
      const key = options.key ?? (all.some((column) => column.name === 'key') ? 'key' : undefined)
      const tenantId = await newId(pool, requireColumn(all, id, table))
      const given: Record<string, unknown> = { [id]: tenantId, ...(key === undefined ? {} : { [key]: tenant.key }) }
      for (const [column, value] of Object.entries({ name: tenant.name, tier: tenant.tier }))
        for (const each of all)
          if (each.name === column && each.category === 'S') given[column] ??= each.unique ? unlike(value) : value
      for (const column of all)
        if (column.required) given[column.name] ??= options.values?.[column.name] ?? (await madeUpValue(pool, column))
      Object.assign(given, options.values)
      const names = Object.keys(given).map(pg.escapeIdentifier).join(', ')
      const places = Object.keys(given).map((_, at) => `$${at + 1}`)
      const text = `insert into ${name} (${names}) overriding system value values (${places.join(', ')})`
      await asTenant(tenantId, text, Object.values(given)).catch((error: unknown) => {
        throw behind(error, requireColumn(all, id, table), tenantId, name) ?? error
      })
      return tenantId
    },
    async setStatus(tenantId, value) {
      requireColumn(await known(), status, table)
      const text = `update ${name} set ${pg.escapeIdentifier(status)} = $2 where ${pg.escapeIdentifier(id)}::text = $1`
      await asTenant(tenantId, text, [tenantId, value])
    },
  }
}

/** Adds a random part to a name that must be unique, because the database may contain tenants of earlier runs. */
function unlike(value: string): string {
  return `${value}-${randomUUID().slice(0, 8)}`
}

/**
 * Returns an error that names the fix, if the planting role inherits from tenant_user, tenant_admin or partywall_cross. The policies of
 * these roles then refuse the row.
 */
async function inheriting(client: pg.ClientBase, error: unknown): Promise<ConfigurationError | undefined> {
  if (!(error instanceof Error && 'code' in error && error.code === '42501')) return undefined
  const { rows } = await client.query<{ me: string; inherited: string }>(
    `select current_user::text as me, string_agg(quote_ident(r.rolname), ', ' order by r.rolname) as inherited
       from pg_catalog.pg_roles r where r.rolname in ('tenant_user', 'tenant_admin', 'partywall_cross')
        and pg_catalog.pg_has_role(current_user, r.oid, 'USAGE') having count(*) > 0`,
  )
  const [found] = rows
  if (found === undefined) return undefined
  const me = pg.escapeIdentifier(found.me)
  return new ConfigurationError(
    `startTestKit(): the role of databaseUrl, ${found.me}, inherits ${found.inherited}, so policies for tenants refuse its rows: ${error.message}. Let it keep the memberships without inheriting. On PostgreSQL 16 and later, as a superuser: REVOKE INHERIT OPTION FOR ${found.inherited} FROM ${me}; on 15: ALTER ROLE ${me} NOINHERIT`,
    { cause: error },
  )
}

/** Returns an error that names the fix, if the sequence of the key gave an id that another row already has. */
function behind(error: unknown, key: TableColumn, id: string, table: string): ConfigurationError | undefined {
  const { sequence, name } = key
  const detail = error instanceof Error && 'detail' in error ? String(error.detail) : ''
  if (sequence === null || !detail.includes(`(${name})=(${id})`)) return undefined
  return new ConfigurationError(
    `startTestKit(): the sequence ${sequence} gave ${id}, and a row of ${table} has this ${name} already: seeds that insert keys by hand do not advance the sequence. Run, as a role to which no policy applies: select setval(${pg.escapeLiteral(sequence)}, (select max(${pg.escapeIdentifier(name)}) from ${table}))`,
    { cause: error },
  )
}

function requireColumn(columns: readonly TableColumn[], wanted: string, table: string): TableColumn {
  const column = columns.find(({ name }) => name === wanted)
  if (column !== undefined) return column
  throw new ConfigurationError(
    `startTestKit(): ${table} has no column ${wanted}. Name yours with tenants: { table, id, key, status }, or give plantTenant and setTenantStatus.`,
  )
}
