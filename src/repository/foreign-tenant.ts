import { internalsOf } from '../context/frame.ts'
import { tryGetCurrentTenant } from '../context/run-with-tenant.ts'
import { tenantStore } from '../context/store.ts'
import { TenantIsolationError } from '../errors.ts'
import type { Table } from './table.ts'

/**
 * A tenant that stands in what a caller gives may only be the caller's own. Judged before anything is looked up, so the answer tells
 * nothing about any row.
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

/** Reports an attempt and gives the error to throw. */
export function isolationRefusal(message: string, attempted?: unknown, cause?: unknown): TenantIsolationError {
  const context = tryGetCurrentTenant()
  const frame = tenantStore.getStore()
  const attemptedTenantId = typeof attempted === 'string' ? attempted.slice(0, 128) : undefined
  if (frame !== undefined) {
    internalsOf(frame).events?.emit({
      type: 'CROSS_TENANT_ACCESS_ATTEMPT',
      source: cause === undefined ? 'repository' : 'database',
      tenantId: context?.tenantId,
      userId: context?.userId,
      requestId: context?.requestId,
      attemptedTenantId,
    })
  }
  return new TenantIsolationError(message, { cause, details: { tenantId: context?.tenantId, attemptedTenantId } })
}
