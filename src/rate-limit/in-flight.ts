import { ConcurrencyExceededError } from '../errors.ts'
import type { RateLimitDecision } from './decision.ts'
import type { RateLimitRequest } from './request.ts'

/** Maximum number of requests in flight of one tenant in one process: one number for all tiers, or an object with a number per tier. */
export type Concurrency = number | Readonly<Record<string, number>>

/** Options of {@link InFlight}. */
interface InFlightOptions {
  readonly concurrency: Concurrency | undefined
  /**
   * Whether a tier is configured. A configured tier without a number has no limit. A tenant of an unknown tier gets the smallest number.
   */
  readonly isTier: (name: string) => boolean
  readonly onRefused: (decision: RateLimitDecision, request: RateLimitRequest) => void
}

const VIOLATED: readonly string[] = Object.freeze(['concurrency'])
const nothing = () => {}

/**
 * Counts the requests of each tenant that run in this process, and refuses more than its tier allows. Quotas limit how many requests a
 * tenant sends in a time. This class limits how many slow requests of one tenant a process runs at once.
 */
export class InFlight {
  readonly #counts = new Map<string, number>()
  readonly #options: InFlightOptions

  constructor(options: InFlightOptions) {
    this.#options = options
  }

  of(tenantId: string): number {
    return this.#counts.get(tenantId) ?? 0
  }

  /** The error with which one more request would be refused. Counts nothing. */
  refusal(request: RateLimitRequest): ConcurrencyExceededError | undefined {
    const limit = this.#limitOf(request.tier)
    if (limit === undefined || this.of(request.tenantId) < limit) return undefined
    const decision: RateLimitDecision = {
      outcome: 'limited',
      mode: 'local',
      tier: request.tier,
      violated: VIOLATED,
      retryAfterSeconds: 1,
      limits: [],
    }
    this.#options.onRefused(decision, request)
    return new ConcurrencyExceededError('The tenant has as many requests in flight as its tier may have.', {
      details: { decision, limit },
    })
  }

  /**
   * Counts one request.
   *
   * @returns a function that ends the request; further calls do nothing
   * @throws {ConcurrencyExceededError} `PARTYWALL_CONCURRENCY_EXCEEDED`
   */
  enter(request: RateLimitRequest): () => void {
    const refused = this.refusal(request)
    if (refused !== undefined) throw refused
    // Count every request, also without a limit: the tenant may change to a tier with a limit while the request runs.
    if (this.#options.concurrency === undefined) return nothing
    const { tenantId } = request
    this.#counts.set(tenantId, this.of(tenantId) + 1)
    let inside = true
    return () => {
      if (!inside) return
      inside = false
      const left = this.of(tenantId) - 1
      if (left > 0) this.#counts.set(tenantId, left)
      else this.#counts.delete(tenantId)
    }
  }

  #limitOf(tier: string): number | undefined {
    const { concurrency, isTier } = this.#options
    if (concurrency === undefined || typeof concurrency === 'number') return concurrency
    if (Object.hasOwn(concurrency, tier)) return concurrency[tier]
    return isTier(tier) ? undefined : Math.min(...Object.values(concurrency))
  }
}
