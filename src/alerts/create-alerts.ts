import { z } from 'zod'
import { parseOptions } from '../config/parse-options.ts'
import type { SecurityEvents, SecurityEventType } from '../events/security-events.ts'
import { createDefaultLogger, type Logger } from '../logger/logger.ts'
import { ALERT_SEVERITY, type AlertSeverity } from './alert.ts'
import { AlertRaiser } from './alert-raiser.ts'
import { AlertSender } from './alert-sender.ts'
import { type AlertQueryable, type DeadAlert, listDeadAlerts, retryDeadAlerts } from './outbox.ts'
import type { AlertSink } from './sinks.ts'
import type { AlertThreshold } from './thresholds.ts'

export interface AlertsOptions {
  readonly events: SecurityEvents
  /** The tenant pool. It writes alerts into the outbox. */
  readonly pool: AlertQueryable
  /** A plain pool of a login that is a member of `partywall_alerts`, for deliveries. Without it, another process must deliver. */
  readonly outbox?: AlertQueryable | undefined
  readonly sinks: readonly AlertSink[]
  readonly thresholds?: readonly AlertThreshold[] | undefined
  /** Adds event types or changes their severity; `undefined` removes a type. */
  readonly severities?: Readonly<Partial<Record<SecurityEventType, AlertSeverity | undefined>>> | undefined
  /**
   * How long events are collected in memory before an alert is written; default 250. If the process is killed, alerts of this time are
   * lost.
   */
  readonly collectMs?: number | undefined
  /** Repeats within this time after an alert become one further alert, which contains their number; default 60_000. */
  readonly windowMs?: number | undefined
  /** Time limit of one delivery; default 10_000. */
  readonly timeoutMs?: number | undefined
  /** After this time an alert that can't be delivered becomes a dead letter; default 24 hours. */
  readonly maxAgeMs?: number | undefined
  /** How often the outbox is read; default 1000. */
  readonly pollMs?: number | undefined
  readonly now?: (() => number) | undefined
  readonly logger?: Logger | undefined
}

export interface Alerts {
  /** Starts the delivery, if `outbox` was given. */
  start(): void
  /** Writes collected alerts into the outbox, and delivers alerts that are due. @returns how many arrived */
  flush(): Promise<number>
  /** Alerts that could not be delivered, newest first. */
  dead(): Promise<readonly DeadAlert[]>
  /** Puts a sink's dead letters back into its queue. @returns how many */
  retryDead(sink: string): Promise<number>
  /** Stops listening, writes collected alerts, and waits for running deliveries. It does not close the pools. */
  close(): Promise<void>
}

const queryable = z.custom<AlertQueryable>(
  (value) => typeof Reflect.get(Object(value), 'query') === 'function',
  'must be a pool',
)
const milliseconds = (usual: number) => z.int().min(0).default(usual)

const optionsSchema = z.object({
  events: z.custom<SecurityEvents>(
    (value) => typeof Reflect.get(Object(value), 'on') === 'function',
    'must be the events',
  ),
  pool: queryable,
  outbox: queryable.optional(),
  sinks: z
    .array(
      z.custom<AlertSink>((value) => typeof Reflect.get(Object(value), 'deliver') === 'function', 'must be a sink'),
    )
    .min(1)
    .refine((sinks) => new Set(sinks.map((sink) => sink.name)).size === sinks.length, 'need different names'),
  thresholds: z
    .array(z.custom<AlertThreshold>((value) => typeof Reflect.get(Object(value), 'run') === 'function'))
    .default([]),
  severities: z.record(z.string(), z.enum(['low', 'medium', 'high', 'critical']).optional()).default({}),
  collectMs: milliseconds(250),
  windowMs: milliseconds(60_000),
  timeoutMs: z.int().min(1).default(10_000),
  maxAgeMs: milliseconds(86_400_000),
  pollMs: z.int().min(10).default(1_000),
  now: z.custom<() => number>((value) => typeof value === 'function').default(() => () => Date.now()), // zod calls a function for its default
  logger: z.custom<Logger>((value) => value !== null && typeof value === 'object').optional(),
})

/**
 * Turns security events into alerts: deduplicated, counted, and delivered at least once from an outbox in PostgreSQL.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function createAlerts(options: AlertsOptions): Alerts {
  const checked = parseOptions(optionsSchema, options, 'createAlerts(options)')
  const { events, pool, outbox, sinks, thresholds, collectMs, windowMs, timeoutMs, maxAgeMs, pollMs, now } = checked
  const logger = checked.logger ?? createDefaultLogger()
  const severities: Partial<Record<string, AlertSeverity | undefined>> = { ...ALERT_SEVERITY, ...checked.severities }
  const names = sinks.map((sink) => sink.name)
  const raiser = new AlertRaiser({
    events,
    pool,
    sinks: names,
    severities: clean(severities),
    thresholds,
    collectMs,
    windowMs,
    now,
    logger,
  })
  const senders =
    outbox === undefined
      ? []
      : sinks.map((sink) => new AlertSender({ outbox, sink, timeoutMs, maxAgeMs, pollMs, now, logger }))
  return {
    start() {
      for (const sender of senders) sender.start()
    },
    async flush() {
      await raiser.flush()
      const arrived = await Promise.all(senders.map((sender) => sender.deliverDue()))
      return arrived.reduce((sum, each) => sum + each, 0)
    },
    dead: async () => (outbox === undefined ? [] : listDeadAlerts(outbox)),
    retryDead: async (sink) => (outbox === undefined ? 0 : retryDeadAlerts(outbox, sink, new Date(now()))),
    async close() {
      await raiser.close()
      await Promise.all(senders.map((sender) => sender.stop()))
    },
  }
}

function clean(
  all: Partial<Record<string, AlertSeverity | undefined>>,
): Partial<Record<SecurityEventType, AlertSeverity>> {
  return Object.fromEntries(Object.entries(all).filter(([, severity]) => severity !== undefined))
}
