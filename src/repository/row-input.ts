import { InvalidInputError } from '../errors.ts'
import { refuseForeignTenant } from './foreign-tenant.ts'
import type { Table } from './table.ts'

/**
 * Checks a row that the caller wants to write: only columns of the table, no generated columns, no other tenant.
 *
 * @returns columns with their values, in the table's order
 * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` another tenant, even if other values are wrong too
 * @throws {InvalidInputError} `PARTYWALL_INVALID_INPUT` a column that does not exist or can't be set
 */
export function rowInput(table: Table, data: unknown, tenantId: string): ReadonlyMap<string, unknown> {
  if (data === null || typeof data !== 'object' || Array.isArray(data))
    throw new InvalidInputError('A row must be an object of columns.')
  const entries = Object.entries(data)
  // Check for another tenant first, so that this refusal does not depend on other mistakes in the row.
  for (const [name, value] of entries) {
    if (table.tenantAliases.has(name) && value !== undefined) refuseForeignTenant(table, value, tenantId, 'row')
  }
  const row = new Map<string, unknown>()
  for (const [name, value] of entries) {
    if (value === undefined || table.tenantAliases.has(name)) continue
    if (!table.types.has(name)) throw new InvalidInputError('The row has a column that this table does not have.')
    if (table.generated.has(name)) throw new InvalidInputError('The row sets a generated column.')
    row.set(name, value)
  }
  return row
}
