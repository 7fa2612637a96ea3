import { FoldedEvents } from '../events/fold-events.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import { explainRefusal, type RefusalEvent } from './refusal-cures.ts'

/** How refusals are logged. */
export interface RefusalLogOptions {
  /** The first refusal of a source is logged at once. Further refusals in this time become one line with their count. Default 60_000. */
  readonly windowMs?: number | undefined
}

const LOGGED = [
  'AUTHENTICATION_FAILED',
  'TOKEN_ATTACK',
  'TENANT_REFUSED',
  'PERMISSION_DENIED',
  'CROSS_TENANT_ACCESS_ATTEMPT',
] as const satisfies readonly RefusalEvent['type'][]

/** Maximum number of sources that get separate lines in one window. */
const MAX_SOURCES = 200

/**
 * Logs each 401 and 403 as one line at `warn`, with its reason code and the fix. The client gets neither.
 *
 * No line holds a token, a value of a request, or the id of another tenant.
 *
 * @returns a function that stops the log and writes the open counts
 */
export function logRefusals(events: SecurityEvents, logger: Logger, options: RefusalLogOptions = {}): () => void {
  const { windowMs = 60_000 } = options
  const folded = new FoldedEvents<RefusalEvent>({
    windowMs,
    maxSources: MAX_SOURCES,
    typeOf: (event) => `${event.type} ${explainRefusal(event).reason}`,
    sourceOf,
    withoutSource,
    write: (event, count, first) => write(logger, event, first ? undefined : { count, windowMs }),
  })
  const stops = LOGGED.map((type) => events.on(type, (event) => folded.add(event)))
  return () => {
    for (const stop of stops) stop()
    folded.flush()
  }
}

function write(logger: Logger, event: RefusalEvent, repeats: { count: number; windowMs: number } | undefined): void {
  const { reason, cure } = explainRefusal(event)
  const { type, tenantId, userId, requestId } = event
  const claim = 'claim' in event ? event.claim : undefined
  const fact = 'fact' in event ? event.fact : undefined
  const fields = {
    type,
    reason,
    cure,
    ...given('claim', claim),
    ...given('fact', fact),
    ...given('source', layerOf(event)),
    ...given('clientAddress', addressOf(event)),
    ...given('tenantId', tenantId),
    ...given('userId', userId),
    ...given('requestId', requestId),
  }
  const said = fact === undefined ? reason : `${reason}: ${fact}`
  if (repeats === undefined) logger.warn(fields, `a request was refused (${said})`)
  else {
    const { count, windowMs } = repeats
    logger.warn({ ...fields, count, windowSeconds: windowMs / 1000 }, `refused ${count} times more (${said})`)
  }
}

function given(name: string, value: string | undefined): Readonly<Record<string, string>> {
  return value === undefined ? {} : { [name]: value }
}

function sourceOf(event: RefusalEvent): string {
  const { reason } = explainRefusal(event)
  const permission = event.type === 'PERMISSION_DENIED' ? event.permission : undefined
  return JSON.stringify([
    event.type,
    reason,
    permission,
    layerOf(event),
    event.tenantId,
    event.userId,
    addressOf(event),
  ])
}

function withoutSource(event: RefusalEvent): RefusalEvent {
  const nobody = { tenantId: undefined, userId: undefined, requestId: undefined }
  return 'clientAddress' in event ? { ...event, ...nobody, clientAddress: undefined } : { ...event, ...nobody }
}

function layerOf(event: RefusalEvent): string | undefined {
  return 'source' in event ? event.source : undefined
}

function addressOf(event: RefusalEvent): string | undefined {
  return 'clientAddress' in event ? event.clientAddress : undefined
}
