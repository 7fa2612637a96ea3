import { type Attributes, type Meter, metrics, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import { tryGetCurrentTenant } from '../context/run-with-tenant.ts'
import { isPartywallError } from '../errors.ts'
import type { SecurityEvent, SecurityEvents } from '../events/security-events.ts'
import { SpaceSaving } from './space-saving.ts'

export interface TelemetryOptions {
  readonly events: SecurityEvents
  /** The defaults are the global meter and tracer of OpenTelemetry, which do nothing without an SDK. */
  readonly meter?: Meter | undefined
  readonly tracer?: Tracer | undefined
  /** Tenants that always have their own series in the metric `partywall.tenant.refusals`. At most 100. */
  readonly tenants?: readonly string[] | undefined
  /** How many of the tenants with the most refusals have their own series; default 50, at most 200. */
  readonly topTenants?: number | undefined
  /** Names of tiers; default free, pro, enterprise. Any other tier gets the label `other`, so that the number of labels is bounded. */
  readonly tiers?: readonly string[] | undefined
}

export interface Telemetry {
  /** Runs `fn` in a span that carries the current tenant, its tier and the request id. Records the duration of the operation. */
  withSpan<T>(operation: string, fn: (span: Span) => Promise<T>): Promise<T>
  /** Counts one decision of the rate limiter. */
  limitDecision(decision: {
    readonly tier: string
    readonly outcome: 'allowed' | 'refused'
    readonly mode: 'store' | 'local' | 'closed' | 'open'
  }): void
  /** Sets gauges to the given values. */
  observe(values: {
    readonly auditLagSeconds?: number
    readonly auditUnsealed?: number
    readonly storeLatencyMs?: number
  }): void
  /** Stops listening and observing. */
  close(): void
}

/** Operation names come from code. If there are more than this, a name is probably built from data. */
const MAX_OPERATIONS = 100
const MODES = ['store', 'local', 'closed', 'open'] as const
const MAX_DEPENDENCIES = 20

/**
 * Makes traces and metrics through the OpenTelemetry API. Without an SDK each call costs nanoseconds.
 *
 * The number of values of each label is bounded. Spans name every tenant. Metrics name only the tenants of the option `tenants`, and the
 * `topTenants` tenants with the most refusals.
 */
export function createTelemetry(options: TelemetryOptions): Telemetry {
  const meter = options.meter ?? metrics.getMeter('partywall')
  const tracer = options.tracer ?? trace.getTracer('partywall')
  const tiers = new Set(options.tiers ?? ['free', 'pro', 'enterprise'])
  const listed = new Map((options.tenants ?? []).slice(0, 100).map((tenant) => [tenant, 0]))
  const top = new SpaceSaving(Math.min(Math.max(options.topTenants ?? 50, 1), 200))
  const operations = new Set<string>()
  const breakers = new Map<string, number>()
  const latest = { lag: 0, unsealed: 0, latency: 0, mode: 'store' }

  const eventCounter = meter.createCounter('partywall.security.events', { description: 'Security events by type' })
  const decisions = meter.createCounter('partywall.rate_limit.decisions', {
    description: 'Decisions of the rate limiter',
  })
  const duration = meter.createHistogram('partywall.operation.duration', {
    unit: 'ms',
    description: 'Duration of operations that ran in a span',
  })
  const gauge = (name: string, description: string) => meter.createObservableGauge(name, { description })
  const lag = gauge('partywall.audit.seal_lag', 'Age in seconds of the oldest event that is not sealed')
  const unsealed = gauge('partywall.audit.unsealed_events', 'Events that are not sealed')
  const mode = gauge('partywall.rate_limit.mode', '1 for the mode in force')
  const breaker = gauge('partywall.breaker.open', '1 while the breaker of a dependency is open')
  const latency = gauge('partywall.rate_limit.store_latency', 'Milliseconds of the latest call to the store')
  const denials = gauge(
    'partywall.tenant.refusals',
    'Refusals of the most refused tenants, and of the tenants that the option `tenants` lists',
  )
  const gauges = [lag, unsealed, mode, breaker, latency, denials]

  const observeAll: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
    result.observe(lag, latest.lag)
    result.observe(unsealed, latest.unsealed)
    result.observe(latency, latest.latency)
    for (const each of MODES) result.observe(mode, each === latest.mode ? 1 : 0, { mode: each })
    for (const [dependency, open] of breakers) result.observe(breaker, open, { dependency })
    let shown = 0
    const counts = new Map([...top.top().filter(([tenant]) => !listed.has(tenant)), ...listed])
    for (const [tenant, count] of counts) {
      shown += count
      result.observe(denials, count, { tenant })
    }
    result.observe(denials, Math.max(0, top.total + sum(listed) - shown), { tenant: 'other' })
  }
  meter.addBatchObservableCallback(observeAll, gauges)

  // Keep one frozen object per label set, so that an event allocates nothing.
  const labels = new Map<string, Attributes>()
  const labelOf = (type: string): Attributes => {
    const known = labels.get(type) ?? Object.freeze({ type })
    labels.set(type, known)
    return known
  }
  const stop = options.events.on('*', (event) => {
    eventCounter.add(1, labelOf(event.type))
    hear(event)
  })

  function hear(event: SecurityEvent): void {
    switch (event.type) {
      case 'LIMITER_MODE':
        latest.mode = event.mode
        return
      case 'BREAKER_OPEN':
      case 'BREAKER_CLOSED': {
        const known = breakers.has(event.dependency) || breakers.size < MAX_DEPENDENCIES
        breakers.set(known ? event.dependency : 'other', event.type === 'BREAKER_OPEN' ? 1 : 0)
        return
      }
      case 'AUDIT_LAGGING':
        latest.lag = event.lagSeconds
        latest.unsealed = event.unsealed
        return
      case 'CROSS_TENANT_ACCESS_ATTEMPT':
      case 'PERMISSION_DENIED':
      case 'TENANT_REFUSED':
      case 'RATE_LIMITED': {
        if (event.tenantId === undefined) return
        const refusals = listed.get(event.tenantId)
        if (refusals === undefined) top.add(event.tenantId)
        else listed.set(event.tenantId, refusals + 1)
        return
      }
      default:
    }
  }

  return {
    async withSpan(operation, fn) {
      if (operations.size < MAX_OPERATIONS) operations.add(operation)
      const name = operations.has(operation) ? operation : 'other'
      const started = performance.now()
      return tracer.startActiveSpan(`partywall ${name}`, { attributes: tenantAttributes() }, async (span) => {
        let outcome = 'success'
        try {
          return await fn(span)
        } catch (error) {
          // Record the code and never the message, because a message of the database may contain a value of a row.
          outcome = isPartywallError(error) ? error.code : 'error'
          span.setAttribute('error.type', outcome)
          span.setStatus({ code: SpanStatusCode.ERROR })
          throw error
        } finally {
          duration.record(performance.now() - started, { operation: name, outcome })
          span.end()
        }
      })
    },
    limitDecision({ tier, outcome, mode: how }) {
      decisions.add(1, { tier: tiers.has(tier) ? tier : 'other', outcome, mode: how })
    },
    observe({ auditLagSeconds, auditUnsealed, storeLatencyMs }) {
      if (auditLagSeconds !== undefined) latest.lag = auditLagSeconds
      if (auditUnsealed !== undefined) latest.unsealed = auditUnsealed
      if (storeLatencyMs !== undefined) latest.latency = storeLatencyMs
    },
    close() {
      stop()
      meter.removeBatchObservableCallback(observeAll, gauges)
    },
  }
}

function tenantAttributes(): Attributes {
  const context = tryGetCurrentTenant()
  if (context === undefined) return {}
  const { tenantId, tier, requestId } = context
  return { 'tenant.id': tenantId, 'tenant.tier': tier, 'partywall.request_id': requestId }
}

function sum(counts: ReadonlyMap<string, number>): number {
  let total = 0
  for (const count of counts.values()) total += count
  return total
}
