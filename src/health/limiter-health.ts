import type { DependencyHealth } from './health.ts'

/** The part of a rate limiter that its health is read from. */
export interface ModalLimiter {
  readonly mode: 'store' | 'local' | 'closed' | 'open'
  ping(): Promise<void>
}

/**
 * The check of a rate limiter: up while its store decides, degraded while decisions come from this process, down where it then refuses.
 *
 * It also asks the store, so that a process without requests learns of an outage.
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
