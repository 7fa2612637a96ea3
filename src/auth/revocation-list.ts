import { createHmac } from 'node:crypto'
import type { RevocationCheck } from './credential-verifier.ts'
import type { VerifiedToken } from './verified-token.ts'

/** One entry of `partywall.revocations`. */
export interface RevokedEntry {
  /** 64 hex digits. */
  readonly hash: string
  /** Milliseconds since 1970. */
  readonly revokedAt: number
  readonly keepUntil: number
}

type Revocable = Pick<VerifiedToken<unknown>, 'tokenId' | 'userId' | 'issuedAt'>

interface Hashes {
  readonly token: readonly string[]
  readonly user: readonly string[]
}

/** What is revoked: one token, or all tokens of a user that were issued until now. */
export type Revoked = 'token' | 'user'

/** Revocations of all processes, as this process knows them. Tokens and users are compared by keyed hash. */
export class RevocationList implements Pick<RevocationCheck, 'has'> {
  readonly #entries = new Map<string, RevokedEntry>()
  readonly #now: () => number
  #sweepAt = 1_000
  #keys: readonly Uint8Array[] = []
  /** A verified token is one object while it is cached, so its hashes are computed once. */
  #known = new WeakMap<Revocable, Hashes>()

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** @param keys keys derived for the purpose `revocation`, from the current secret and from the secret before a rotation */
  use(keys: readonly Uint8Array[]): void {
    this.#keys = keys
    this.#known = new WeakMap()
  }

  /** The hashes under which a token id or a user is revoked, one for each key. */
  hashesOf(what: Revoked, value: string): readonly string[] {
    return this.#keys.map((key) => createHmac('sha256', key).update(`${what}\0${value}`).digest('hex'))
  }

  /**
   * Adds entries. If two entries have the same hash, the later revocation is kept, because answers of the database may arrive out of order.
   */
  add(entries: readonly RevokedEntry[]): void {
    for (const entry of entries) {
      const known = this.#entries.get(entry.hash)
      if (known === undefined || known.revokedAt < entry.revokedAt) this.#entries.set(entry.hash, entry)
    }
    if (this.#entries.size < this.#sweepAt) return
    for (const { hash } of [...this.#entries.values()]) this.#valid(hash)
    this.#sweepAt = Math.max(1_000, this.#entries.size * 2)
  }

  has(token: Revocable): boolean {
    if (this.#entries.size === 0) return false
    const hashes = this.#hashes(token)
    return hashes.token.some((hash) => this.#valid(hash) !== undefined) || this.#userRevoked(hashes.user, token)
  }

  #userRevoked(hashes: readonly string[], { issuedAt }: Revocable): boolean {
    return hashes.some((hash) => {
      const entry = this.#valid(hash)
      // `iat` has whole seconds, so a token of the second in which the user was revoked counts as issued before.
      return entry !== undefined && (issuedAt === undefined || issuedAt <= entry.revokedAt)
    })
  }

  #valid(hash: string): RevokedEntry | undefined {
    const entry = this.#entries.get(hash)
    if (entry === undefined || entry.keepUntil >= this.#now()) return entry
    this.#entries.delete(hash)
    return undefined
  }

  #hashes(token: Revocable): Hashes {
    const known = this.#known.get(token)
    if (known !== undefined) return known
    const hashes = {
      token: token.tokenId === undefined ? [] : this.hashesOf('token', token.tokenId),
      user: this.hashesOf('user', token.userId),
    }
    this.#known.set(token, hashes)
    return hashes
  }
}
