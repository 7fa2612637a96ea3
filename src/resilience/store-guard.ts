import { DependencyUnavailableError } from '../errors.ts'

export type GuardState = 'closed' | 'open' | 'half-open'

/**
 * The kind of a failure. `ours`: the failure is not the store's fault. `passing`: the next call may succeed. `final`: every further call
 * will fail until somebody changes something.
 */
export type FailureKind = 'ours' | 'passing' | 'final'

interface StoreGuardOptions {
  /** A call that takes longer has failed. The guard does not repeat the call, because the store may have executed it. */
  readonly timeoutMs: number
  /** Number of failures in a row that open the guard. A `final` failure opens it at once. */
  readonly failures: number
  /** After this time an open guard lets one call pass as a probe. */
  readonly probeAfterMs: number
  readonly kindOf: (error: unknown) => FailureKind
  readonly onState: (state: GuardState, cause: unknown) => void
  /** A clock in milliseconds; default `performance.now`. */
  readonly now?: () => number
}

/**
 * Time-out and circuit breaker for a store that every request needs.
 *
 * While the guard is open, calls fail at once with one shared error. During a probe all other calls fail at once too, because waiting for
 * the probe would delay every request.
 */
interface StoreGuard {
  readonly state: GuardState
  /**
   * Runs one call of the store.
   *
   * @param proves whether an answer proves that the store works completely. Only such an answer closes an open guard
   */
  run<T>(call: () => Promise<T>, proves: (value: T) => boolean): Promise<T>
}

interface Flight {
  settled: boolean
  readonly deadline: number
  readonly expire: () => void
}

class StoreTimeoutError extends DependencyUnavailableError {}

/** The error for each caller while the guard is open. It is shared, because a stack trace per request would cost more than the decision. */
const OPEN = Object.freeze(new DependencyUnavailableError('The store is not called while its circuit breaker is open.'))

/** Makes a guard; see {@link StoreGuard}. */
export function createStoreGuard(options: StoreGuardOptions): StoreGuard {
  const { timeoutMs, failures, probeAfterMs, kindOf, onState, now = () => performance.now() } = options
  const flights = createFlights(timeoutMs, now)
  let state: GuardState = 'closed'
  let inARow = 0
  let probeAt = 0

  function turn(next: GuardState, cause?: unknown): void {
    state = next
    onState(next, cause)
  }

  function failed(error: unknown, probe: boolean): void {
    const kind = kindOf(error)
    if (probe) {
      probeAt = now() + (kind === 'ours' ? 0 : probeAfterMs)
      turn('open', error)
      return
    }
    // Calls that started before the guard opened give no new information.
    if (kind === 'ours' || state !== 'closed') return
    inARow++
    if (kind === 'passing' && inARow < failures) return
    probeAt = now() + probeAfterMs
    turn('open', error)
  }

  function answered(proof: boolean, probe: boolean): void {
    if (!probe) {
      if (state === 'closed') inARow = 0
      return
    }
    if (proof) {
      inARow = 0
      turn('closed')
    } else {
      // This answer does not prove that the store works: a read-only replica also answers, but refuses writes. The next call may probe at
      // once.
      probeAt = 0
      turn('open')
    }
  }

  return {
    get state() {
      return state
    },
    run<T>(call: () => Promise<T>, proves: (value: T) => boolean): Promise<T> {
      let probe = false
      if (state !== 'closed') {
        if (state === 'half-open' || now() < probeAt) return Promise.reject(OPEN)
        probe = true
        turn('half-open')
      }
      return new Promise<T>((resolve, reject) => {
        const flight = flights.start(() => {
          const error = new StoreTimeoutError('The store did not answer in time.')
          failed(error, probe)
          reject(error)
        })
        const fail = (error: unknown) => {
          if (flight.settled) return
          flights.end(flight)
          failed(error, probe)
          reject(error)
        }
        try {
          call().then((value) => {
            if (flight.settled) return
            flights.end(flight)
            answered(proves(value), probe)
            resolve(value)
          }, fail)
        } catch (error) {
          fail(error)
        }
      })
    },
  }
}

/** Whether an error is a time-out of the guard, and not an error of the store. */
export function isStoreTimeout(error: unknown): boolean {
  return error instanceof StoreTimeoutError
}

/**
 * All running calls in the order of their deadlines. One timer serves them all, because a timer per call would cost as much as the call.
 */
function createFlights(timeoutMs: number, now: () => number) {
  let queue: Flight[] = []
  let head = 0
  let timer: NodeJS.Timeout | undefined

  function dropSettled(): void {
    while (queue[head]?.settled === true) head++
    if (head === queue.length) {
      queue = []
      head = 0
    } else if (head > 1024 && head * 2 > queue.length) {
      queue = queue.slice(head)
      head = 0
    }
  }

  function arm(): void {
    if (timer !== undefined) return
    const first = queue[head]
    if (first === undefined) return
    timer = setTimeout(
      () => {
        // After a stall of this process, answers may be unread in the socket. Read them before a call counts as timed out.
        setImmediate(sweep)
      },
      Math.max(1, first.deadline - now()),
    )
    timer.unref()
  }

  function sweep(): void {
    timer = undefined
    const time = now()
    dropSettled()
    for (let flight = queue[head]; flight !== undefined && flight.deadline <= time; flight = queue[head]) {
      flight.settled = true
      flight.expire()
      dropSettled()
    }
    arm()
  }

  return {
    start(expire: () => void): Flight {
      const flight: Flight = { settled: false, deadline: now() + timeoutMs, expire }
      queue.push(flight)
      arm()
      return flight
    },
    end(flight: Flight): void {
      flight.settled = true
      dropSettled()
    },
  }
}
