import type { TenantContextInput } from '../context/tenant-context.ts'
import { FoldedEvents } from '../events/fold-events.ts'
import type { SecurityEvent, SecurityEvents, SecurityEventType } from '../events/security-events.ts'
import { createDefaultLogger, type Logger } from '../logger/logger.ts'
import type { AuditInput } from './audit-event.ts'
import type { TenantAuditLogger } from './tenant-audit-logger.ts'

export interface RecordRefusalsOptions {
  /** The first refusal of a source is written at once. Further refusals in this time become one event with their count. Default 10_000. */
  readonly windowMs?: number | undefined
  /** Maximum number of sources that are counted separately in a window. All others are counted together, per type. Default 1000. */
  readonly maxSources?: number | undefined
  readonly logger?: Logger | undefined
}

export interface RefusalRecorder {
  /** Writes open counts now and waits for all writes. */
  flush(): Promise<void>
  /** Stops listening, then flushes. */
  close(): Promise<void>
}

const RECORDED = [
  'CROSS_TENANT_ACCESS_ATTEMPT',
  'PERMISSION_DENIED',
  'TENANT_REFUSED',
  'AUTHENTICATION_FAILED',
  'TOKEN_ATTACK',
  'RATE_LIMITED',
] as const satisfies readonly SecurityEventType[]
type Refusal = Extract<SecurityEvent, { readonly type: (typeof RECORDED)[number] }>

/**
 * Writes each refusal into the log of the tenant that was refused. A refusal without a tenant, or of a tenant that is unknown or suspended,
 * is written into the system stream. Repeats of one source become counts, so that nobody can fill the log.
 */
export function recordRefusals(
  events: SecurityEvents,
  audit: Pick<TenantAuditLogger, 'logFor' | 'logSystem'>,
  options: RecordRefusalsOptions = {},
): RefusalRecorder {
  const { windowMs = 10_000, maxSources = 1_000, logger = createDefaultLogger() } = options
  const writing = new Set<Promise<void>>()

  function write(event: Refusal, count: number): void {
    const done = record(audit, event, count).catch((error: unknown) => {
      const problem = error instanceof Error ? error.message : String(error)
      logger.error(
        { type: event.type, tenantId: event.tenantId, count, problem },
        'A refusal could not be written to the audit log.',
      )
    })
    writing.add(done)
    done.finally(() => writing.delete(done)).catch(() => {}) // `done` never rejects
  }

  const folded = new FoldedEvents<Refusal>({
    windowMs,
    maxSources,
    typeOf: (event) => event.type,
    sourceOf,
    withoutSource,
    write,
  })
  const stops = RECORDED.map((type) => events.on(type, (event) => folded.add(event)))
  async function flush(): Promise<void> {
    folded.flush()
    while (writing.size > 0) await Promise.all(writing)
  }
  return {
    flush,
    async close() {
      for (const stop of stops) stop()
      await flush()
    },
  }
}

/**
 * The key of a source. It contains the cause, because repeats become one event, and refusals with different causes must stay different
 * events.
 */
function sourceOf(event: Refusal): string {
  const address = 'clientAddress' in event ? event.clientAddress : undefined
  const layer = 'source' in event ? event.source : undefined
  const cause = 'reason' in event ? event.reason : 'permission' in event ? event.permission : undefined
  return JSON.stringify([event.type, event.tenantId, event.userId, address, layer, cause])
}

function withoutSource(event: Refusal): Refusal {
  return { ...event, tenantId: undefined, userId: undefined, requestId: undefined }
}

async function record(
  audit: Pick<TenantAuditLogger, 'logFor' | 'logSystem'>,
  event: Refusal,
  count: number,
): Promise<void> {
  const { type, tenantId, userId, requestId, ...rest } = event
  // Leave `fact` out: it is a sentence for the application's log, and it contains durations of a single token.
  const { clientAddress, fact: _fact, ...facts } = { clientAddress: undefined, fact: undefined, ...rest }
  const input: AuditInput = {
    action: type,
    outcome: 'denied',
    details: { ...facts, ...(count === 1 ? {} : { count }) },
    ...(requestId === undefined ? {} : { requestId }),
    ...(typeof clientAddress === 'string' ? { ip: clientAddress } : {}),
  }
  // No context can be opened for a tenant that is unknown or suspended, so use the system stream.
  if (tenantId === undefined || type === 'TENANT_REFUSED') {
    await audit.logSystem({ ...input, details: { ...input.details, tenantId, userId } })
    return
  }
  const context: TenantContextInput = {
    tenantId,
    userId: userId ?? 'unknown',
    ...(requestId === undefined ? {} : { requestId }),
  }
  if (type !== 'CROSS_TENANT_ACCESS_ATTEMPT' || event.attemptedTenantId === undefined) {
    await audit.logFor(context, input)
    return
  }
  // The tenant can read its own log, so the other tenant's id must not be there. Security staff read it in the system stream.
  const { attemptedTenantId: _, ...told } = { attemptedTenantId: '', ...input.details }
  await audit.logFor(context, { ...input, details: told })
  await audit.logSystem({ ...input, details: { ...input.details, tenantId, userId } })
}
