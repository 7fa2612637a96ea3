import { isQueryOrWrite } from '../../statement/statement-kind.ts'
import { RecentTexts } from './recent-texts.ts'

/** Limits of one half of what a pool remembers: some megabytes at most. */
const MAX_TEXTS = 1_000
const MAX_CHARS = 500_000
interface Seen {
  times: number
  readonly tenantId: string
  /** Another tenant has sent it, too. */
  shared: boolean
}

/**
 * Tells which texts a pool sends often enough to be prepared under a name.
 *
 * A text counts only once two tenants have sent it. `pg_prepared_statements` shows each tenant the texts that its connection has prepared
 * for all others: a text that one tenant alone sends may have that tenant's values written into it. It also keeps one tenant from filling
 * the connections with statements of its own.
 */
export class PopularTexts {
  readonly #threshold: number
  readonly #seen = new RecentTexts<Seen>(MAX_TEXTS, MAX_CHARS)
  readonly #popular = new RecentTexts<true>(MAX_TEXTS, MAX_CHARS)
  #generation = 0

  /** @param threshold the sending from which on a text is prepared; 0 for never */
  constructor(threshold: number) {
    this.#threshold = threshold
  }

  /** Changes when all that was prepared must be prepared anew. */
  get generation(): number {
    return this.#generation
  }

  /** Notes that a tenant sends this text. @returns whether it is worth a name */
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
      // Counts from the start, so that the command is seldom read.
      seen.times = Number.NEGATIVE_INFINITY
      return false
    }
    this.#seen.delete(text)
    this.#popular.set(text, true)
    return true
  }

  /**
   * The server has refused the plan of this text, because a table has changed. A change of a table makes many plans stale, on all
   * connections, so that each would fail once: everything is prepared anew instead. The text itself has to become popular again, so that
   * one whose columns change all the time fails seldom.
   */
  stale(text: string): void {
    this.#generation++
    this.#popular.delete(text)
  }
}
