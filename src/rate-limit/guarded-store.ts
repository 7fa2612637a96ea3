import { DependencyUnavailableError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import { createStoreGuard, type GuardState, isStoreTimeout } from '../resilience/store-guard.ts'
import { failureKindOf, wantsNewConnection } from './failure-kind.ts'
import type { RateLimiterSettings } from './options.ts'
import type { RateLimitStore, Scope, StoreReply } from './store.ts'

/**
 * The store with its circuit breaker. It writes a log line and emits an event once when the store goes down, and once when the store is
 * back.
 */
interface GuardedStore {
  /** False while decisions don't come from the store. */
  readonly up: boolean
  decide(scopes: readonly Scope[], cost: number): Promise<StoreReply>
  /**
   * Makes a manual change. The change is tried even while the store counts as down. After two seconds the call fails, but the change may
   * still happen.
   */
  change(call: (store: RateLimitStore) => Promise<void>): Promise<void>
  ping(): Promise<void>
  ready(timeoutMs: number): Promise<void>
}

export function createGuardedStore(options: {
  readonly store: RateLimitStore
  readonly settings: RateLimiterSettings
  readonly events: SecurityEvents | undefined
  readonly logger: Logger
}): GuardedStore {
  const { store, settings, events, logger } = options
  let up = true

  function onState(state: GuardState, cause: unknown): void {
    if (state === 'open' && cause !== undefined && (isStoreTimeout(cause) || wantsNewConnection(cause)))
      store.refresh?.()
    if (state === 'open' && up) {
      up = false
      events?.emit({ type: 'BREAKER_OPEN', dependency: store.kind })
      events?.emit({ type: 'LIMITER_MODE', mode: settings.onStoreFailure })
      logger.error(
        { dependency: store.kind, mode: settings.onStoreFailure, reason: reasonOf(cause) },
        'The store of rate limits is down; onStoreFailure decides until it is back.',
      )
    }
    if (state === 'closed' && !up) {
      up = true
      events?.emit({ type: 'BREAKER_CLOSED', dependency: store.kind })
      events?.emit({ type: 'LIMITER_MODE', mode: 'store' })
      logger.warn({ dependency: store.kind, mode: 'store' }, 'The store of rate limits is back.')
    }
  }

  const guard = createStoreGuard({
    timeoutMs: settings.storeTimeoutMs,
    failures: settings.breakerFailures,
    probeAfterMs: settings.probeAfterMs,
    kindOf: failureKindOf,
    onState,
  })
  // Only an admitted request proves that the store can write. A replica, or a server without free memory, can still answer that a limit is
  // reached, because this answer writes nothing.
  const wasWritten = (reply: StoreReply) => reply.admitted

  return {
    get up() {
      return up
    },
    decide(scopes, cost) {
      if (store.inProcess) return store.decide(scopes, cost)
      return guard.run(() => store.decide(scopes, cost), cost === 0 ? never : wasWritten)
    },
    change: (call) => (store.inProcess ? call(store) : within(call(store), CHANGE_TIMEOUT_MS)),
    async ready(timeoutMs) {
      const deadline = performance.now() + timeoutMs
      for (;;) {
        try {
          return await within(store.ping(), Math.max(1, deadline - performance.now()))
        } catch (error) {
          if (performance.now() + RETRY_MS > deadline) throw error
          await new Promise((resolve) => {
            setTimeout(resolve, RETRY_MS)
          })
        }
      }
    },
    async ping() {
      if (store.inProcess) await store.ping()
      else if (guard.state === 'closed') await guard.run(() => store.ping(), never)
      // A process that is out of service gets no requests, so only this probe finds out that the store is back.
      else await guard.run(() => store.decide([PROBE], 1), wasWritten)
    },
  }
}

/** A scope for probes. Its limits are never reached, and no tenant has this key. */
const PROBE: Scope = {
  kind: 'tenant',
  key: '{~probe}',
  limits: { perMinute: 1_000_000, perDay: 1_000_000_000, burst: 1_000_000 },
}

const RETRY_MS = 50
const CHANGE_TIMEOUT_MS = 2000

async function within(work: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new DependencyUnavailableError('The store of rate limits does not answer.')),
      timeoutMs,
    )
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** For calls that only read. Their answers do not prove that the store can write. */
const never = () => false

/** The message of the store's error and of its cause. They contain no key and no password. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown'
  return cause.cause instanceof Error ? `${cause.message} ${cause.cause.message}` : cause.message
}
