import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import { runWithoutTenant } from '../context/run-with-tenant.ts'
import type { SecurityEvent, SecurityEvents, SecurityEventType } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import { type AlertSeverity, dedupKey } from './alert.ts'
import type { AlertQueryable } from './outbox.ts'
import { type AlertThreshold, ThresholdCounter } from './thresholds.ts'

interface RaiserParts {
  readonly events: SecurityEvents
  /** The application's pool: alerts go into the outbox through one function of the database. */
  readonly pool: AlertQueryable
  readonly sinks: readonly string[]
  readonly severities: Readonly<Partial<Record<SecurityEventType, AlertSeverity>>>
  readonly thresholds: readonly AlertThreshold[]
  readonly collectMs: number
  readonly windowMs: number
  readonly now: () => number
  readonly logger: Logger
}

/** An event that is not in the outbox yet, and the number of its repetitions. Events with the same `dedupKey()` have the same source. */
interface Collected {
  readonly event: SecurityEvent
  readonly severity: AlertSeverity
  readonly firstAt: number
  lastAt: number
  count: number
}

/** Maximum number of sources of one tenant that are counted separately. Events of further sources are counted together, per event type. */
const MAX_SOURCES_OF_TENANT = 100

/** Maximum number of sources of all tenants that are counted separately. Further alerts are counted per event type and name no tenant. */
const MAX_SOURCES = 10_000

/** Listens to events, counts repeated events for `collectMs`, and puts alerts into the outbox. */
export class AlertRaiser {
  readonly #parts: RaiserParts
  readonly #stop: () => void
  readonly #thresholds: readonly ThresholdCounter[]
  readonly #outside = AsyncLocalStorage.snapshot()
  #collected = new Map<string, Collected>()
  /** Number of collected sources of each tenant. */
  #sources = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(parts: RaiserParts) {
    this.#parts = parts
    this.#thresholds = parts.thresholds.map(
      (threshold) =>
        new ThresholdCounter(threshold, (error) => {
          parts.logger.error({ threshold: threshold.name, error: String(error) }, 'The function of a threshold failed.')
        }),
    )
    this.#stop = parts.events.on('*', (event) => this.#hear(event))
  }

  /** Writes the collected alerts. The promise resolves when they are in the outbox, or are kept for the next attempt. */
  flush(): Promise<void> {
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing = this.#writing.then(() => this.#writeAll())
    return this.#writing
  }

  async close(): Promise<void> {
    this.#stop()
    await this.flush()
    if (this.#timer !== undefined) clearTimeout(this.#timer)
  }

  #hear(event: SecurityEvent): void {
    const now = this.#parts.now()
    for (const threshold of this.#thresholds) threshold.hear(event, now)
    const severity = this.#parts.severities[event.type]
    if (severity === undefined) return
    this.#collect(dedupKey(event), { event, severity, firstAt: now, lastAt: now, count: 1 })
    this.#schedule(this.#parts.collectMs)
  }

  #collect(source: string, each: Collected): void {
    const { key, entry } = this.#collected.has(source) ? { key: source, entry: each } : this.#place(source, each)
    const known = this.#collected.get(key)
    if (known === undefined) {
      this.#collected.set(key, entry)
      const tenant = tenantOf(entry.event)
      this.#sources.set(tenant, (this.#sources.get(tenant) ?? 0) + 1)
    } else {
      known.count += entry.count
      known.lastAt = Math.max(known.lastAt, entry.lastAt)
    }
  }

  /**
   * Returns the key under which a new source is counted. If a tenant has too many sources, its further sources share a key. So the tenant
   * can't use up the keys of other tenants.
   */
  #place(source: string, each: Collected): { readonly key: string; readonly entry: Collected } {
    const tenant = tenantOf(each.event)
    const { type } = each.event
    if (this.#collected.size >= MAX_SOURCES && !this.#collected.has(`rest ${type} ${tenant}`))
      return { key: `rest ${type}`, entry: { ...each, event: withoutSubject(each.event) } }
    if ((this.#sources.get(tenant) ?? 0) < MAX_SOURCES_OF_TENANT) return { key: source, entry: each }
    return { key: `rest ${type} ${tenant}`, entry: each }
  }

  #schedule(delayMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.flush().catch(() => {}) // #writeAll reports and never rejects
    }, delayMs).unref()
  }

  async #writeAll(): Promise<void> {
    const all = this.#collected
    this.#collected = new Map()
    this.#sources = new Map()
    for (const [key, each] of all) {
      try {
        await this.#outside(() => runWithoutTenant(() => this.#write(key, each)))
      } catch (error) {
        this.#parts.logger.error(
          { type: each.event.type, error: String(error) },
          'An alert could not be put into the outbox; it will be tried again.',
        )
        this.#collect(key, each)
        this.#schedule(Math.max(this.#parts.collectMs, 1_000))
      }
    }
  }

  async #write(key: string, { event, severity, firstAt, lastAt, count }: Collected): Promise<void> {
    const { type, ...rest } = event
    const { tenantId, userId, requestId, ...details } = {
      tenantId: undefined,
      userId: undefined,
      requestId: undefined,
      ...rest,
    }
    await this.#parts.pool.query(
      'select partywall.alert_outbox_add($1::text[], $2, $3, $4, $5::jsonb, $6, $7, $8, $9)',
      [
        [...this.#parts.sinks],
        tenantId === undefined ? '' : storable(tenantId, 256),
        createHash('sha256').update(key).digest('hex'),
        type,
        storableJson({ severity, tenantId, userId, requestId, details }),
        count,
        new Date(firstAt),
        new Date(lastAt),
        this.#parts.windowMs,
      ],
    )
  }
}

function tenantOf(event: SecurityEvent): string {
  return 'tenantId' in event ? (event.tenantId ?? '') : ''
}

/** Removes tenant, user and request from an event that stands for several sources. */
function withoutSubject(event: SecurityEvent): SecurityEvent {
  return 'tenantId' in event ? { ...event, tenantId: undefined, userId: undefined, requestId: undefined } : event
}

/** Replaces NUL and lone surrogates. PostgreSQL refuses them, and an attacker could send them so that the alert is lost. */
function storable(text: string, max: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it replaces NUL
  return text.slice(0, max).replace(/\u0000|\p{Surrogate}/gu, '\uFFFD')
}

function storableJson(payload: object): string {
  const text = JSON.stringify(payload, (_name, value: unknown) =>
    typeof value === 'string' ? storable(value, 1_000) : value,
  )
  return Buffer.byteLength(text) <= 16_000 ? text : JSON.stringify({ severity: 'high', details: { truncated: true } })
}
