import {
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  isBrokenCircuitError,
} from 'cockatiel'
import { DependencyUnavailableError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import { isInfrastructureFailure } from './infrastructure-failure.ts'

interface BreakerOptions {
  /** Name of the dependency in events and errors: `jwks https://idp.example`, `tenant directory`. */
  readonly dependency: string
  /** Number of infrastructure failures in a row that open the breaker. Default 3. */
  readonly failures?: number | undefined
  /** Approximate time in milliseconds until an open breaker lets a probe pass. Grows with each failed probe. Default 1_000. */
  readonly openForMs?: number | undefined
  /** The longest time between two probes, in milliseconds. Default 30_000. */
  readonly maxOpenForMs?: number | undefined
  /** Time limit of a call in milliseconds, so that a probe that hangs does not keep the breaker half-open. Default 5_000. */
  readonly timeoutMs?: number | undefined
  /** Says which errors are failures of the dependency. Default {@link isInfrastructureFailure}. */
  readonly isFailure?: ((error: unknown) => boolean) | undefined
  readonly events?: SecurityEvents | undefined
}

export type BreakerState = 'closed' | 'open' | 'half-open'

/** Circuit breaker for one dependency. While the dependency is down, only one probe at a time is sent to it. */
export interface Breaker {
  readonly state: BreakerState
  /**
   * Calls the dependency. Refuses at once while the dependency is known to be down, or while a probe is running.
   *
   * @param call gets a signal that aborts at the time-out; errors of `call` are passed on unchanged
   * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` if the breaker is open or half-open, or if the call timed out
   */
  run<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T>
}

/** Makes a closed breaker. It has no timer between calls, so it needs no clean-up. */
export function createBreaker(options: BreakerOptions): Breaker {
  const { dependency, failures = 3, openForMs = 1_000, maxOpenForMs = 30_000, timeoutMs = 5_000, events } = options
  const policy = circuitBreaker(handleWhen(options.isFailure ?? isInfrastructureFailure), {
    breaker: new ConsecutiveBreaker(failures),
    halfOpenAfter: new ExponentialBackoff({ initialDelay: openForMs, maxDelay: maxOpenForMs }),
  })

  // cockatiel emits onBreak again for each failed probe. Emit our event only once per outage.
  let announced = false
  policy.onBreak(() => {
    if (announced) return
    announced = true
    events?.emit({ type: 'BREAKER_OPEN', dependency })
  })
  policy.onReset(() => {
    announced = false
    events?.emit({ type: 'BREAKER_CLOSED', dependency })
  })

  return {
    get state() {
      return stateOf(policy.state)
    },
    async run(call) {
      // cockatiel makes callers wait for another caller's probe. Refuse these callers at once instead.
      if (policy.state === CircuitState.HalfOpen) throw unavailable(dependency)
      try {
        return await policy.execute(() => withTimeout(call, timeoutMs, dependency))
      } catch (error) {
        throw isBrokenCircuitError(error) ? unavailable(dependency) : error
      }
    },
  }
}

function stateOf(state: CircuitState): BreakerState {
  if (state === CircuitState.Closed) return 'closed'
  return state === CircuitState.HalfOpen ? 'half-open' : 'open'
}

function unavailable(dependency: string, reason = 'breaker-open'): DependencyUnavailableError {
  const message =
    reason === 'timeout'
      ? `${dependency} did not answer in time`
      : `${dependency} is down; it is not called again for a short time`
  return new DependencyUnavailableError(message, { details: { dependency, reason } })
}

async function withTimeout<T>(
  call: (signal: AbortSignal) => Promise<T>,
  timeoutMs: number,
  dependency: string,
): Promise<T> {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = unavailable(dependency, 'timeout')
      reject(error)
      controller.abort(error)
    }, timeoutMs)
  })
  try {
    return await Promise.race([call(controller.signal), late])
  } finally {
    clearTimeout(timer)
  }
}
