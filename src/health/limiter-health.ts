import type { DependencyHealth } from './health.ts'

/** The part of a rate limiter that the health check needs. */
export interface ModalLimiter {
  readonly mode: 'store' | 'local' | 'closed' | 'open'
  ping(): Promise<void>
}

/**
 * Returns the health check of a rate limiter:
 *
 * - `up`: its store decides, and answers the ping;
 * - `degraded`: this process decides, all requests pass, or the ping failed;
 * - `down`: all requests are refused.
 *
 * The check also pings the store, so that a process without requests notices an outage.
 */
export function limiterHealth(limiter: ModalLimiter): () => Promise<DependencyHealth> {
  return async () => {
    const answered = await limiter.ping().then(
      () => true,
      () => false,
    )
    if (limiter.mode === 'closed') return 'down'
    return answered && limiter.mode === 'store' ? 'up' : 'degraded'
  }
}
