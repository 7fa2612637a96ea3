import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { parseOptions } from '../config/parse-options.ts'
import type { Logger } from '../logger/logger.ts'
import { createDefaultLogger } from '../logger/logger.ts'
import type { Alert } from './alert.ts'

/** A receiver of alerts. If `deliver` throws or does not settle in time, the delivery is repeated later. */
export interface AlertSink {
  /** Names the sink in the outbox; keep it when the address changes. */
  readonly name: string
  deliver(alert: Alert, signal: AbortSignal): Promise<void> | void
}

/** One structured line per alert. */
export function logSink(logger: Logger = createDefaultLogger()): AlertSink {
  return { name: 'log', deliver: (alert) => logger.warn({ alert }, `Security alert: ${alert.type}`) }
}

export interface WebhookSinkOptions {
  readonly url: string
  /** 32 random bytes, shared with the receiver. */
  readonly key: Uint8Array
  /** The sink's name in the outbox and in logs; default `webhook`. */
  readonly name?: string | undefined
}

const webhookOptions = z.object({
  url: z.url().refine((text) => isSafe(text), 'must be https, or http on loopback'),
  key: z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length >= 24, 'must be at least 24 bytes'),
  name: z.string().min(1).max(64).default('webhook'),
})

/**
 * Posts each alert as signed JSON. Redirects are not followed, so alerts go only to the configured address.
 *
 * @see Standard Webhooks 1.0: headers webhook-id, webhook-timestamp, webhook-signature
 */
export function webhookSink(options: WebhookSinkOptions): AlertSink {
  const { url, key, name } = parseOptions(webhookOptions, options, 'webhookSink(options)')
  return {
    name,
    async deliver(alert, signal) {
      const body = JSON.stringify({
        type: `partywall.${alert.type.toLowerCase()}`,
        timestamp: alert.lastAt,
        data: alert,
      })
      const timestamp = String(Math.floor(Date.now() / 1000))
      const answer = await fetch(url, {
        method: 'POST',
        body,
        redirect: 'manual',
        signal,
        headers: {
          'content-type': 'application/json',
          'webhook-id': alert.id,
          'webhook-timestamp': timestamp,
          'webhook-signature': signature(key, alert.id, timestamp, body),
        },
      })
      await answer.body?.cancel()
      if (!answer.ok) throw new Error(`the webhook answered ${answer.status}`)
    },
  }
}

/** The key in the form that Standard Webhooks libraries expect: `whsec_…`. */
export function webhookSecret(key: Uint8Array): string {
  return `whsec_${Buffer.from(key).toString('base64')}`
}

/**
 * For receivers: whether a request has our signature and is at most five minutes old. Deduplicate by `webhook-id`.
 *
 * @param headers by lower-case name
 */
export function verifyWebhook(
  headers: Readonly<Record<string, string | undefined>>,
  body: string,
  options: { readonly key: Uint8Array; readonly now?: () => number },
): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': given } = headers
  if (id === undefined || timestamp === undefined || given === undefined || !/^\d{1,12}$/.test(timestamp)) return false
  const now = (options.now ?? Date.now)()
  if (Math.abs(now / 1000 - Number(timestamp)) > 300) return false
  const wanted = Buffer.from(signature(options.key, id, timestamp, body))
  return given.split(' ').some((one) => {
    const each = Buffer.from(one)
    return each.length === wanted.length && timingSafeEqual(each, wanted)
  })
}

function signature(key: Uint8Array, id: string, timestamp: string, body: string): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}

function isSafe(text: string): boolean {
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname))
}
