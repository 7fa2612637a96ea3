import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { parseOptions } from '../config/parse-options.ts'

/**
 * State of one dependency. `degraded`: requests are answered, but with restrictions, such as rate limits that only this process counts.
 * `down`: requests can't be answered.
 */
export type DependencyHealth = 'up' | 'degraded' | 'down'

/**
 * Checks one dependency. If the promise resolves with `degraded` or `down`, this value is the state. Any other value means `up`. A
 * rejection means `down`, and its error is not shown.
 */
export type HealthCheck = () => Promise<unknown>

export interface HealthOptions {
  /** Dependencies of requests, each with its check: `{ postgres: async () => { await pool.query('select 1') } }`. */
  readonly checks: Readonly<Record<string, HealthCheck>>
  /** True: `/ready` shows the state of each dependency. Use it only if strangers can't read the answer. Default false. */
  readonly details?: boolean
  /** How long an answer of `/ready` is reused, in milliseconds, so that probes can't overload the dependencies. Default 1000. */
  readonly cacheMs?: number
  /** Time limit of a check in milliseconds; a dependency whose check takes longer is `down`. Default 1000. */
  readonly timeoutMs?: number
  /** Returns false as soon as the application closes. `/ready` then answers 503. */
  readonly open?: () => boolean
  /** A clock in milliseconds; default `performance.now`. */
  readonly now?: () => number
}

/** The body of `/ready`. */
export interface Readiness {
  readonly status: 'ready' | 'degraded' | 'unready'
  readonly dependencies?: Readonly<Record<string, DependencyHealth>>
}

/** Liveness and readiness of one process; see {@link createHealth}. */
export interface Health {
  /** Says that the process runs. It checks no dependency, so that the outage of a dependency does not restart the process. */
  live(): { readonly status: 'live' }
  /** Whether requests can be answered. */
  ready(): Promise<Readiness>
  /**
   * An Express or Connect handler: answers `/live` and `/ready` below its mount path and passes all other requests on. Mount it before
   * authentication.
   */
  readonly handler: (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void
}

const schema = z.object({
  details: z.boolean().default(false),
  cacheMs: z.int().min(0).max(60_000).default(1000),
  timeoutMs: z.int().min(1).max(60_000).default(1000),
  checks: z.record(
    z.string(),
    z.custom<HealthCheck>((check) => typeof check === 'function', 'must be a function'),
  ),
})

/**
 * Answers the probes of an orchestrator.
 *
 * A degraded dependency keeps the process in service; a dependency that is down makes it unready. Concurrent probes share one check.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 * @example
 * app.use('/health', createHealth({ checks: { limits: limiterHealth(limiter) } }).handler)
 */
export function createHealth(options: HealthOptions): Health {
  const { checks, details, cacheMs, timeoutMs } = parseOptions(schema, options, 'createHealth(options)')
  const { open = () => true, now = () => performance.now() } = options
  let last: { readonly until: number; readonly look: Promise<Readiness> } | undefined

  async function look(): Promise<Readiness> {
    const entries = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await outcomeOf(check, timeoutMs)] as const),
    )
    const states = entries.map(([, state]) => state)
    const status = states.includes('down') ? 'unready' : states.includes('degraded') ? 'degraded' : 'ready'
    return details ? { status, dependencies: Object.fromEntries(entries) } : { status }
  }

  async function ready(): Promise<Readiness> {
    if (!open()) return { status: 'unready' }
    if (last === undefined || last.until <= now()) last = { until: now() + cacheMs, look: look() }
    return last.look
  }

  function answer(response: ServerResponse, status: number, body: object): void {
    response.statusCode = status
    response.setHeader('Content-Type', 'application/json')
    response.setHeader('Cache-Control', 'no-store')
    response.end(JSON.stringify(body))
  }

  return {
    live: () => ({ status: 'live' }),
    ready,
    handler(request, response, next) {
      const path = request.url?.split('?', 1)[0] ?? ''
      if (path === '/live') answer(response, 200, { status: 'live' })
      else if (path === '/ready') {
        ready().then((body) => answer(response, body.status === 'unready' ? 503 : 200, body), next)
      } else next()
    },
  }
}

async function outcomeOf(check: HealthCheck, timeoutMs: number): Promise<DependencyHealth> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'down'>((resolve) => {
    timer = setTimeout(() => resolve('down'), timeoutMs)
    timer.unref()
  })
  try {
    const answer = await Promise.race([check(), late])
    return answer === 'degraded' || answer === 'down' ? answer : 'up'
  } catch {
    return 'down'
  } finally {
    clearTimeout(timer)
  }
}
