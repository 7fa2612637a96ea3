import { AsyncResource } from 'node:async_hooks'
import { ClosedError, DependencyUnavailableError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import { createBreaker } from '../resilience/breaker.ts'
import type { KeySet } from './key-set.ts'
import type { KeySource } from './key-source.ts'
import { TokenRefusedError } from './refusal.ts'

/** Times for fetching remote keys again, in milliseconds. */
export interface RefreshTimes {
  /** Time between two refreshes in the background, varied by up to a fifth. */
  readonly refreshMs: number
  /** How old keys may become while their source is down. */
  readonly maxStaleMs: number
  /** After a fetch of the keys, tokens with an unknown key id are refused for this time, without another fetch. */
  readonly unknownKeyCooldownMs: number
  /** Time limit of one fetch. */
  readonly timeoutMs: number
  /** Time between a failure and the next attempt. Each further failure doubles it, up to 10 seconds. */
  readonly retryMs: number
}

interface RefreshedKeysOptions extends RefreshTimes {
  /** Name of the key source in events. */
  readonly dependency: string
  readonly load: (signal: AbortSignal) => Promise<KeySet>
  /** Called when a known key was withdrawn, or when all keys have become too old. */
  readonly onWithdrawn: () => void
  readonly now: () => number
  readonly logger: Logger
  readonly events?: SecurityEvents | undefined
  readonly random?: () => number
}

/**
 * Maximum number of callers that wait for a running fetch of the keys.
 *
 * - `withoutKeys`: while no keys are known, as at the start.
 * - `withKeys`: when keys are known, but not the key of the caller's token.
 */
const MAX_WAITING = { withoutKeys: 1_000, withKeys: 64 }
const MAX_RETRY_MS = 10_000

/**
 * Keys that are fetched at first use and refreshed in the background.
 *
 * While the source is down, known keys are used until they are too old, and tokens with an unknown key are refused at once. While a fetch
 * is running, a limited number of callers wait for it.
 */
export function refreshedKeys(options: RefreshedKeysOptions): KeySource {
  const { dependency, now, logger, random = Math.random } = options
  const breaker = createBreaker({
    dependency,
    timeoutMs: options.timeoutMs,
    maxOpenForMs: MAX_RETRY_MS,
    events: options.events,
  })
  // A request may start a refresh. The request's context must not be passed on to later refreshes.
  const outside = new AsyncResource('partywall.keys')
  const ending = new AbortController()
  let current: { readonly keys: KeySet; readonly loadedAt: number } | undefined
  let flight: Promise<void> | undefined
  let failures = 0
  let attemptedAt = Number.NEGATIVE_INFINITY
  let waiting = 0
  let timer: NodeJS.Timeout | undefined

  function usable(): KeySet | undefined {
    if (current === undefined) return undefined
    if (now() - current.loadedAt <= options.maxStaleMs) return current.keys
    current = undefined
    options.onWithdrawn()
    return undefined
  }

  /** Starts a fetch, or returns the promise of the running fetch. A caller may ignore the promise, because its rejection is handled. */
  function refresh(): Promise<void> {
    if (flight !== undefined) return flight
    attemptedAt = now()
    const started = outside.runInAsyncScope(load)
    flight = started
    started.catch(() => {})
    return started
  }

  async function load(): Promise<void> {
    try {
      const keys = await breaker.run((signal) => options.load(AbortSignal.any([signal, ending.signal])))
      accept(keys)
    } catch (error) {
      failures++
      if (!ending.signal.aborted) logger.warn({ dependency, failures }, 'keys could not be refreshed')
      throw unavailable(error)
    } finally {
      flight = undefined
      schedule()
    }
  }

  function accept(keys: KeySet): void {
    const before = current?.keys.fingerprints
    failures = 0
    current = { keys, loadedAt: now() }
    if (before !== undefined && [...before].some((fingerprint) => !keys.fingerprints.has(fingerprint))) {
      options.onWithdrawn()
    }
  }

  function schedule(): void {
    clearTimeout(timer)
    if (ending.signal.aborted) return
    const spread = 0.8 + random() * 0.4
    timer = setTimeout(() => void refresh(), (failures === 0 ? options.refreshMs : retryDelay()) * spread)
    timer.unref()
  }

  function retryDelay(): number {
    return Math.min(options.retryMs * 2 ** (failures - 1), MAX_RETRY_MS, options.refreshMs)
  }

  /**
   * Refuses during an outage. If the next attempt is overdue because timers did not run (as in a frozen process), starts it without waiting
   * for its result.
   */
  function refuseDuringOutage(): never {
    if (now() - attemptedAt >= retryDelay()) void refresh()
    throw unavailable()
  }

  function unavailable(cause?: unknown): DependencyUnavailableError {
    return new DependencyUnavailableError(`${dependency}: the keys cannot be fetched now.`, {
      cause,
      details: { dependency },
    })
  }

  async function wait(most: number): Promise<void> {
    if (waiting >= most) throw unavailable()
    waiting++
    try {
      await refresh()
    } finally {
      waiting--
    }
  }

  return {
    async select(algorithm, kid) {
      if (ending.signal.aborted) throw new ClosedError('The token verifier is closed.')
      let keys = usable()
      const known = keys?.find(algorithm, kid)
      if (known !== undefined) return known
      if (keys?.needsKeyId && kid === undefined) throw new TokenRefusedError('unknown-key')
      if (failures > 0) refuseDuringOutage()
      const fresh = keys !== undefined && flight === undefined && now() - attemptedAt < options.unknownKeyCooldownMs
      if (!fresh) {
        await wait(keys === undefined ? MAX_WAITING.withoutKeys : MAX_WAITING.withKeys)
        keys = usable()
      }
      const key = keys?.find(algorithm, kid)
      if (key === undefined) throw new TokenRefusedError('unknown-key')
      return key
    },
    async ready() {
      if (ending.signal.aborted) throw new ClosedError('The token verifier is closed.')
      if (usable() === undefined) await refresh()
    },
    close() {
      clearTimeout(timer)
      ending.abort()
    },
  }
}
