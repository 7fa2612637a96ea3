import { ConfigurationError } from '../errors.ts'
import type { RoleFunction } from './grants.ts'

/** The part of a pool that {@link tenantRoleTable} needs; `wall.pool` fits. */
export interface RoleTableClient {
  query(text: string, values: unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

export interface RoleTableOptions {
  /** Schema and table; default `public` and `tenant_roles`. */
  readonly schema?: string
  readonly table?: string
  /** Columns: default `tenant_id`, `role`, and `permissions`, a text array of grants. */
  readonly tenantColumn?: string
  readonly roleColumn?: string
  readonly permissionsColumn?: string
}

/**
 * Reads from a table the roles that each tenant defines for itself: one row per role, with its grants in a text array.
 *
 * The query runs in the tenant's context, so row-level security applies; the statement also filters by tenant. A role without a row is
 * unknown and gives no permission. Grant INSERT and UPDATE on this table only to `tenant_admin`, because a user who may write it can
 * give themselves any permission.
 *
 * @param db runs the query in the current tenant's context: `wall.pool`
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if a name is empty or longer than 63 characters
 */
export function tenantRoleTable(db: RoleTableClient, options: RoleTableOptions = {}): RoleFunction {
  const schema = quote(options.schema ?? 'public')
  const table = quote(options.table ?? 'tenant_roles')
  const role = quote(options.roleColumn ?? 'role')
  const permissions = quote(options.permissionsColumn ?? 'permissions')
  const tenant = quote(options.tenantColumn ?? 'tenant_id')
  const text = `select ${permissions}::text[] as permissions from ${schema}.${table} where ${role} = $1 and ${tenant}::text = $2`

  return async (name, context) => {
    const { rows } = await db.query(text, [name, context.tenantId])
    if (rows.length === 0) return undefined
    return rows.flatMap(readPermissions)
  }
}

function readPermissions(row: unknown): string[] {
  const list: unknown = typeof row === 'object' && row !== null ? Reflect.get(row, 'permissions') : undefined
  return Array.isArray(list) ? list.filter((item): item is string => typeof item === 'string') : []
}

function quote(name: string): string {
  if (name.length === 0 || name.length > 63 || name.includes('\0')) {
    throw new ConfigurationError('tenantRoleTable(db, options): names must have 1 to 63 characters.')
  }
  return `"${name.replaceAll('"', '""')}"`
}
