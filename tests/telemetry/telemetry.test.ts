import { PassThrough } from 'node:stream'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { TenantIsolationError } from '../../src/errors.ts'
import { createSecurityEvents } from '../../src/events/security-events.ts'
import { createTelemetry, pinoMixin, type TelemetryOptions } from '../../src/telemetry/index.ts'
import { SpaceSaving } from '../../src/telemetry/space-saving.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

function setUp(options: Partial<TelemetryOptions> = {}) {
  const events = createSecurityEvents()
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const meters = new MeterProvider({ readers: [reader] })
  const spans = new InMemorySpanExporter()
  const tracers = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] })
  const telemetry = createTelemetry({ events, meter: meters.getMeter('t'), tracer: tracers.getTracer('t'), ...options })
  closers.push(
    () => telemetry.close(),
    () => meters.shutdown(),
    () => tracers.shutdown(),
  )
  async function series(name: string): Promise<Record<string, unknown>> {
    exporter.reset()
    await reader.forceFlush()
    const all = exporter.getMetrics().flatMap((each) => each.scopeMetrics.flatMap((scope) => scope.metrics))
    const metric = all.find((each) => each.descriptor.name === name)
    return Object.fromEntries(
      metric?.dataPoints.map((point) => [Object.values(point.attributes).join(' '), point.value]) ?? [],
    )
  }
  return { events, telemetry, series, spans }
}

const context = { tenantId: 'tenant-a', userId: 'u1', tier: 'pro', requestId: 'request-1' }

describe('telemetry', () => {
  it('puts the tenant on spans and the code of an error, never its message', async () => {
    const { telemetry, spans } = setUp()
    await runWithTenant(context, () => telemetry.withSpan('documents.list', async () => 1))
    const failed = runWithTenant(context, () =>
      telemetry.withSpan('documents.list', async () => {
        throw new TenantIsolationError('row secret-value of tenant-b')
      }),
    )
    await expect(failed).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_ISOLATION' })
    const finished = spans.getFinishedSpans()
    expect(finished.map((span) => span.name)).toEqual(['partywall documents.list', 'partywall documents.list'])
    expect(finished[0]?.attributes).toMatchObject({ 'tenant.id': 'tenant-a', 'tenant.tier': 'pro' })
    expect(finished[1]?.attributes['error.type']).toBe('PARTYWALL_TENANT_ISOLATION')
    expect(JSON.stringify(finished.map((span) => [span.attributes, span.events, span.status]))).not.toContain('secret')
  })

  it('has no label that grows with tenants, tiers or operations', async () => {
    const { telemetry, events, series } = setUp({ topTenants: 5, tenants: ['vip'] })
    for (let n = 0; n < 1_000; n++) {
      telemetry.limitDecision({ tier: `tier-${n}`, outcome: 'refused', mode: 'store' })
      events.emit({ type: 'RATE_LIMITED', tenantId: `tenant-${n}`, limits: ['minute'], tier: 'free' })
      await telemetry.withSpan(`operation-${n}`, async () => {})
    }
    events.emit({ type: 'RATE_LIMITED', tenantId: 'vip', limits: ['minute'], tier: 'free' })
    expect(await series('partywall.rate_limit.decisions')).toEqual({ 'other refused store': 1_000 })
    const tenants = await series('partywall.tenant.refusals')
    expect(Object.keys(tenants)).toHaveLength(7)
    expect(tenants['vip']).toBe(1)
    expect(Object.values(tenants).reduce((sum: number, each) => sum + Number(each), 0)).toBe(1_001)
    expect(Object.keys(await series('partywall.operation.duration'))).toHaveLength(101)
    expect(await series('partywall.security.events')).toEqual({ RATE_LIMITED: 1_001 })
  })

  it('shows the five gauges to alert on', async () => {
    const { telemetry, events, series } = setUp()
    events.emit({ type: 'LIMITER_MODE', mode: 'local' })
    events.emit({ type: 'BREAKER_OPEN', dependency: 'redis' })
    events.emit({ type: 'AUDIT_LAGGING', lagSeconds: 61, unsealed: 7 })
    telemetry.observe({ storeLatencyMs: 3 })
    expect(await series('partywall.audit.seal_lag')).toEqual({ '': 61 })
    expect(await series('partywall.audit.unsealed_events')).toEqual({ '': 7 })
    expect(await series('partywall.rate_limit.mode')).toEqual({ store: 0, local: 1, closed: 0, open: 0 })
    expect(await series('partywall.breaker.open')).toEqual({ redis: 1 })
    expect(await series('partywall.rate_limit.store_latency')).toEqual({ '': 3 })
    events.emit({ type: 'BREAKER_CLOSED', dependency: 'redis' })
    expect(await series('partywall.breaker.open')).toEqual({ redis: 0 })
  })

  it('finds the tenants that are refused most among very many', () => {
    const top = new SpaceSaving(50)
    for (let n = 0; n < 20_000; n++) {
      top.add(`noise-${n}`)
      if (n % 10 === 0) top.add('loud')
      if (n % 20 === 0) top.add('louder than most')
    }
    const names = top.top().map(([name]) => name)
    expect(names).toHaveLength(50)
    expect(names).toContain('loud')
    expect(names).toContain('louder than most')
  })

  it('adds tenant, user and request id to lines of pino, and nothing outside a context', () => {
    const stream = new PassThrough()
    const logger = pino({ mixin: pinoMixin }, stream)
    runWithTenant(context, () => logger.info('inside'))
    logger.info('outside')
    const [inside, outside] = String(stream.read())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(inside).toMatchObject({ tenantId: 'tenant-a', userId: 'u1', requestId: 'request-1' })
    expect(outside).not.toHaveProperty('tenantId')
  })
})
