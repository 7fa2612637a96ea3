import type { Limits } from './limits.ts'

// The algorithm in JavaScript. The memory store uses it. The Redis script makes exactly these decisions; a property test runs both with one
// clock. All times are integer microseconds since 1970.

export const MINUTE_MICROS = 60_000_000
export const DAY_MICROS = 86_400_000_000

/** The counters of one tenant, user or route. */
export interface Counters {
  /** When the current minute began. */
  readonly windowStart: number
  /** When the bucket will be full again: `now` or earlier means full. */
  readonly fullAt: number
  readonly inMinute: number
  /** The UTC day that `inDay` counts. */
  readonly day: number
  readonly inDay: number
}

/** Microseconds until one token is refilled. Rounded up, so that the refill is never too fast and fractions can't add up. */
function tokenMicros(limits: Limits): number {
  return Math.ceil(MINUTE_MICROS / limits.perMinute)
}

/**
 * Whether counters lie in the future: the clock stepped back, or the bucket got smaller. Such counters must be written back although the
 * request is refused.
 */
export function areAhead(counters: Counters, limits: Limits, now: number): boolean {
  return (
    counters.day > Math.floor(now / DAY_MICROS) ||
    counters.windowStart > now ||
    counters.fullAt > now + limits.burst * tokenMicros(limits)
  )
}

/** The counters at time `now` under these limits. Expired windows are empty, and no time is in the future. */
export function settle(counters: Counters | undefined, limits: Limits, now: number): Counters {
  const today = Math.floor(now / DAY_MICROS)
  if (counters === undefined) return { windowStart: now, fullAt: now, inMinute: 0, day: today, inDay: 0 }
  let { windowStart, fullAt, inMinute, day, inDay } = counters
  if (day < today) {
    day = today
    inDay = 0
  }
  if (day > today) day = today
  if (windowStart > now) windowStart = now
  if (now - windowStart >= MINUTE_MICROS) {
    windowStart = now
    inMinute = 0
  }
  const capacity = limits.burst * tokenMicros(limits)
  if (fullAt < now) fullAt = now
  if (fullAt > now + capacity) fullAt = now + capacity
  return { windowStart, fullAt, inMinute, day, inDay }
}

/** The tokens that a request takes from a scope: its cost, but at most the scope's burst. */
function charge(limits: Limits, cost: number): number {
  return Math.min(cost, limits.burst)
}

/** The counters after one more request, or undefined if a limit refuses it. @param settled the result of `settle` for `now` */
export function admit(settled: Counters, limits: Limits, cost: number, now: number): Counters | undefined {
  const taken = charge(limits, cost)
  const token = tokenMicros(limits)
  const fullAt = settled.fullAt + taken * token
  if (fullAt > now + limits.burst * token) return undefined
  if (settled.inMinute + taken > limits.perMinute) return undefined
  if (limits.perDay > 0 && settled.inDay + taken > limits.perDay) return undefined
  return { ...settled, fullAt, inMinute: settled.inMinute + taken, inDay: settled.inDay + taken }
}

/** Microseconds until each limit would admit the request; 0 if the limit admits it now. */
interface Waits {
  readonly burst: number
  readonly minute: number
  readonly day: number
}

export function waits(settled: Counters, limits: Limits, cost: number, now: number): Waits {
  const taken = charge(limits, cost)
  const token = tokenMicros(limits)
  const over = settled.fullAt + taken * token - now - limits.burst * token
  return {
    burst: Math.max(0, over),
    minute: settled.inMinute + taken > limits.perMinute ? settled.windowStart + MINUTE_MICROS - now : 0,
    day: limits.perDay > 0 && settled.inDay + taken > limits.perDay ? (settled.day + 1) * DAY_MICROS - now : 0,
  }
}

/** How many requests of cost 1 the bucket would admit now. */
export function tokensLeft(settled: Counters, limits: Limits, now: number): number {
  const token = tokenMicros(limits)
  return Math.max(0, Math.floor((limits.burst * token - (settled.fullAt - now)) / token))
}

/** Microseconds until the next token; 0 while the bucket is full. */
export function nextTokenMicros(settled: Counters, limits: Limits, now: number): number {
  const missing = settled.fullAt - now
  return missing <= 0 ? 0 : ((missing - 1) % tokenMicros(limits)) + 1
}
