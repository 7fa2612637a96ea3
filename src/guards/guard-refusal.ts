import { internalsOf } from '../context/frame.ts'
import { tenantStore } from '../context/store.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import { TenantIsolationError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import { type GuardFinding, showPath } from './finding.ts'

/** Emits CROSS_TENANT_ACCESS_ATTEMPT with both tenants. */
export function emitFinding(
  finding: GuardFinding,
  context: TenantContext | undefined,
  events: SecurityEvents | undefined,
): void {
  const frame = tenantStore.getStore()
  const emitter = events ?? (frame === undefined ? undefined : internalsOf(frame).events)
  emitter?.emit({
    type: 'CROSS_TENANT_ACCESS_ATTEMPT',
    source: 'guard',
    tenantId: context?.tenantId,
    userId: context?.userId,
    requestId: context?.requestId,
    attemptedTenantId: finding.attemptedTenantId,
    reason: finding.kind,
  })
}

const meanings: Readonly<Record<GuardFinding['kind'], string>> = {
  'foreign-tenant': 'Data of another tenant was stopped on its way out.',
  'empty-tenant': 'Data whose tenant field names no tenant was stopped (strict mode).',
  'missing-tenant': 'An entity without a tenant field was stopped (strict mode).',
  'no-context': 'Data of a tenant was stopped on its way out of a request without a tenant context.',
  'too-large': 'Data larger than the guard checks (maxNodes) was stopped. Send it in pages, or raise the bound.',
  'too-deep': 'Data nested deeper than the guard checks (maxDepth) was stopped. Send flatter data, or raise the bound.',
  unreadable: 'Data that the guard could not read was stopped.',
}

/** The error for the caller. Its details contain the finding, for the team. */
export function toError(finding: GuardFinding, context: TenantContext | undefined): TenantIsolationError {
  const { kind, path, attemptedTenantId, cause } = finding
  return new TenantIsolationError(`${meanings[kind]} At ${showPath(path)}.`, {
    cause,
    details: { kind, path: showPath(path), tenantId: context?.tenantId, attemptedTenantId },
  })
}
