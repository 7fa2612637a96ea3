import { tryGetCurrentTenant } from '../context/run-with-tenant.ts'
import { TenantIsolationError } from '../errors.ts'
import { reportHere } from './report-here.ts'
import type { Table } from './table.ts'

/**
 * Refuses input of a caller that names another tenant. The check runs before any query, so the refusal reveals nothing about rows.
 *
 * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION`; emits CROSS_TENANT_ACCESS_ATTEMPT
 */
export function refuseForeignTenant(table: Table, given: unknown, tenantId: string, source: string): void {
  // UUIDs have several spellings and one canonical id.
  const same =
    typeof given === 'string'
      ? given === tenantId || (table.types.get(table.tenantColumn) === 'uuid' && given.toLowerCase() === tenantId)
      : (typeof given === 'number' || typeof given === 'bigint') && String(given) === tenantId
  if (!same) throw isolationRefusal(`The ${source} names another tenant than the context.`, given)
}

/** Emits an event for the attempt, and returns the error to throw. */
export function isolationRefusal(message: string, attempted?: unknown, cause?: unknown): TenantIsolationError {
  const attemptedTenantId = typeof attempted === 'string' ? attempted.slice(0, 128) : undefined
  const source = cause === undefined ? 'repository' : 'database'
  reportHere({ type: 'CROSS_TENANT_ACCESS_ATTEMPT', source, attemptedTenantId })
  const tenantId = tryGetCurrentTenant()?.tenantId
  return new TenantIsolationError(message, { cause, details: { tenantId, attemptedTenantId } })
}
