import { trace } from '@opentelemetry/api'
import { tryGetCurrentTenant } from '../context/run-with-tenant.ts'

/**
 * Adds tenant, user, request id and trace id to each line: `pino({ mixin: pinoMixin })`.
 *
 * @returns an empty object outside a tenant context
 */
export function pinoMixin(): Record<string, string> {
  const context = tryGetCurrentTenant()
  if (context === undefined) return {}
  const { tenantId, userId, requestId } = context
  const traceId = trace.getActiveSpan()?.spanContext().traceId
  return { tenantId, userId, requestId, ...(traceId === undefined ? {} : { traceId }) }
}
