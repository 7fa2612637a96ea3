import { isQueryOrWrite } from '../../statement/statement-kind.ts'
import { RecentTexts } from './recent-texts.ts'

/** Limits of one half of the texts that a pool remembers (see RecentTexts). Both halves together take a few megabytes at most. */
const MAX_TEXTS = 1_000
const MAX_CHARS = 500_000
interface Seen {
  times: number
  readonly tenantId: string
  /** Whether another tenant has sent the text too. */
  shared: boolean
}

/**
 * Tells which texts a pool sends often enough to be prepared under a name.
 *
 * A text is prepared only after two tenants have sent it. `pg_prepared_statements` shows each tenant the texts that its connection has
 * prepared for others. A text that only one tenant sends may contain values of that tenant. This rule also keeps one tenant from filling
 * the connections with its own statements.
 */
export class PopularTexts {
  readonly #threshold: number
  readonly #seen = new RecentTexts<Seen>(MAX_TEXTS, MAX_CHARS)
  readonly #popular = new RecentTexts<true>(MAX_TEXTS, MAX_CHARS)
  #generation = 0

  /** @param threshold how often a text must be sent, this time included, to be prepared; 0 for never */
  constructor(threshold: number) {
    this.#threshold = threshold
  }

  /** Changes when all texts must be prepared again. */
  get generation(): number {
    return this.#generation
  }

  /** Notes that a tenant sends this text. @returns whether to prepare it under a name */
  counts(text: string, tenantId: string): boolean {
    if (this.#threshold === 0) return false
    if (this.#popular.get(text) !== undefined) return true
    const seen = this.#seen.get(text)
    if (seen === undefined) {
      this.#seen.set(text, { times: 1, tenantId, shared: false })
      return false
    }
    seen.times++
    if (seen.tenantId !== tenantId) seen.shared = true
    if (!seen.shared || seen.times < this.#threshold) return false
    if (!isQueryOrWrite(text)) {
      // This text can never reach the threshold now, so its command is not read again while it is remembered.
      seen.times = Number.NEGATIVE_INFINITY
      return false
    }
    this.#seen.delete(text)
    this.#popular.set(text, true)
    return true
  }

  /**
   * Called when the server has refused the plan of this text, because a table has changed. Such a change makes many plans stale, on all
   * connections, and each of these plans would fail once. So all texts are prepared again. This text itself is prepared only after it was
   * sent often again: if its columns change all the time, it then fails only rarely.
   */
  stale(text: string): void {
    this.#generation++
    this.#popular.delete(text)
  }
}
