import { runWithoutTenant } from '../context/run-with-tenant.ts'
import type { Tenant, TenantLookup } from './tenant.ts'

/** The part of a pool that the lookups use. */
export interface DirectoryPool {
  query(text: string, values: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

/**
 * Looks tenants up in PostgreSQL, through functions that return one tenant and never a list.
 *
 * The lookups run in an empty tenant context, on the application's own pool. There is no administrative connection.
 *
 * @param pool a tenant pool
 */
export function createPostgresLookup(pool: DirectoryPool): { findByClaim: TenantLookup; findById: TenantLookup } {
  const find = (text: string) => async (value: string) => {
    // PostgreSQL text can't contain NUL, so no tenant has such a name.
    if (value.includes('\0')) return undefined
    try {
      const { rows } = await runWithoutTenant(() => pool.query(text, [value]))
      return readTenant(rows[0])
    } catch (error) {
      if (isMalformed(error)) return undefined
      throw error
    }
  }
  return {
    // Select all columns: in a database without the migration for tenants' own schemas, the column of the placement does not exist.
    findByClaim: find('select t.* from partywall.tenant_by_key($1) as t'),
    findById: find('select t.* from partywall.tenant_by_id($1) as t'),
  }
}

/** 42883, 3F000, 42501: the functions of the directory do not exist, or the login may not call them. */
const NO_DIRECTORY: ReadonlySet<unknown> = new Set(['42883', '3F000', '42501'])

/** Whether a lookup failed because the login can call no directory in the database. An application with a `findByClaim` of its own needs none. */
export function isDirectoryMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && NO_DIRECTORY.has(error.code)
}

/** SQLSTATE class 22: the text is not a valid id (`acme` if ids are UUIDs), so no tenant has it. */
function isMalformed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^22.{3}$/.test(error.code)
}

function readTenant(row: unknown): Tenant | undefined {
  if (row === null || typeof row !== 'object') return undefined
  const text = (name: string) => {
    const value: unknown = Reflect.get(row, name)
    return typeof value === 'string' ? value : ''
  }
  const schema = text('schema_name')
  const tenant = { id: text('id'), status: text('status'), tier: text('tier') }
  return schema === '' ? tenant : { ...tenant, placement: { schema } }
}
