import pg from 'pg'
import { type Alerts, type AlertsOptions, createAlerts } from '../alerts/create-alerts.ts'
import type { AlertQueryable } from '../alerts/outbox.ts'
import { ConfigurationError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import { atMost } from './at-most.ts'

/** Which alerts are raised, and where they go. */
export interface AlertsConfig extends Omit<AlertsOptions, 'events' | 'pool' | 'outbox' | 'now' | 'logger'> {
  /**
   * Connection string of a login that is a member of `partywall_alerts`. With it, this process delivers alerts. Without it, another process
   * must deliver them.
   */
  readonly outboxUrl?: string | undefined
}

/** The alerts of a wall, with the connections that they need. */
export interface AlertParts {
  readonly alerts: Alerts
  close(timeoutMs: number): Promise<void>
}

/**
 * Makes the alerts of a wall. Opens no connection until they are started.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function makeAlerts(
  config: AlertsConfig,
  parts: { readonly pool: AlertQueryable; readonly events: SecurityEvents; readonly logger: Logger },
): AlertParts {
  const { outboxUrl, ...options } = config
  if (outboxUrl !== undefined && (typeof outboxUrl !== 'string' || outboxUrl === ''))
    throw new ConfigurationError('outboxUrl must be a connection string.')
  const outbox =
    outboxUrl === undefined
      ? undefined
      : new pg.Pool({ connectionString: outboxUrl, max: 2, application_name: 'partywall alerts' })
  outbox?.on('error', (error) =>
    parts.logger.warn({ error: error.message }, 'an idle connection to the outbox of alerts broke'),
  )
  const alerts = createAlerts({ ...options, ...parts, ...(outbox === undefined ? {} : { outbox }) })
  return {
    alerts,
    async close(timeoutMs) {
      // A database that does not answer must not delay the shutdown. The next process delivers the alerts in the outbox.
      await atMost(
        timeoutMs,
        alerts.close().then(() => outbox?.end()),
      )
    },
  }
}
