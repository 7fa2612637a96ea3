/**
 * Token ids that were revoked in this process. The key is the `jti` and not a hash of the token, because another spelling of the same token
 * would have another hash.
 */
export class Revocations {
  readonly #until = new Map<string, number>()
  readonly #now: () => number
  readonly #keepMs: number
  #sweepAt = 1_000

  /** @param keepMs how long an id is kept: the longest possible lifetime of a token. An older token has expired */
  constructor(keepMs: number, now: () => number) {
    this.#keepMs = keepMs
    this.#now = now
  }

  add(tokenId: string): void {
    this.#until.set(tokenId, this.#now() + this.#keepMs)
    if (this.#until.size < this.#sweepAt) return
    const now = this.#now()
    for (const [id, until] of this.#until) if (until <= now) this.#until.delete(id)
    this.#sweepAt = Math.max(1_000, this.#until.size * 2)
  }

  has(tokenId: string | undefined): boolean {
    return tokenId !== undefined && this.#until.has(tokenId)
  }
}
