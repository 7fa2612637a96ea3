import { internalsOf } from '../context/frame.ts'
import { tryGetCurrentTenant } from '../context/run-with-tenant.ts'
import { tenantStore } from '../context/store.ts'
import type { SecurityEvent } from '../events/security-events.ts'

/** Emits an event about a refusal for the tenant of the current context. Outside of any context there is no listener. */
export function reportHere(
  refusal: Extract<SecurityEvent, { readonly type: 'PERMISSION_DENIED' | 'CROSS_TENANT_ACCESS_ATTEMPT' }>,
): void {
  const frame = tenantStore.getStore()
  if (frame === undefined) return
  const context = tryGetCurrentTenant()
  const subject = { tenantId: context?.tenantId, userId: context?.userId, requestId: context?.requestId }
  internalsOf(frame).events?.emit({ ...refusal, ...subject })
}
