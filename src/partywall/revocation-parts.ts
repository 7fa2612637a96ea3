import type { RevocationCheck } from '../auth/credential-verifier.ts'
import { RevocationList, type Revoked, type RevokedEntry } from '../auth/revocation-list.ts'
import { runWithoutTenant } from '../context/run-with-tenant.ts'
import { outsideOfTenants } from '../context/store.ts'
import { ConfigurationError, DependencyUnavailableError } from '../errors.ts'
import type { Logger } from '../logger/logger.ts'
import type { DirectoryPool } from '../tenants/postgres-lookup.ts'

/** Time in milliseconds until the list is read again, while no notifications are received or the list could not be read. */
const READ_AGAIN_MS = 5_000
/** If more hashes than this were notified (as in a flood of forged notifications), the whole list is read once instead. */
const MAX_ASKED = 1_000

const READ_ALL = 'select hash, revoked_at, keep_until from partywall.revoked_credentials()'
const READ_SOME =
  "select hash, revoked_at, keep_until from partywall.revoked_credentials((select array_agg(decode(h, 'hex')) from unnest($1::text[]) as h))"
const REVOKE =
  "select partywall.revoke_credentials((select array_agg(decode(h, 'hex')) from unnest($1::text[]) as h), $2)"

interface RevocationOptions {
  readonly pool: DirectoryPool
  /** The keys of the purpose `revocation`, the current one first. */
  readonly keys: () => Promise<readonly Uint8Array[]>
  /** How long an entry is kept, in milliseconds: the longest lifetime of a token. */
  readonly keepMs: () => number
  readonly logger: Logger
}

/**
 * Revocations of all processes: a table in the application's database, read at the start and after each notification. A process that hears
 * no notifications reads the table every 5 seconds.
 */
export class SharedRevocations implements RevocationCheck {
  /** Called after entries were added: running work of revoked tokens must stop. */
  onRevoked: () => void = () => {}
  readonly #options: RevocationOptions
  readonly #list = new RevocationList()
  #loaded = false
  #loading: Promise<void> | undefined
  /** Whether another reading follows the running one. */
  #isFollowed = false
  #listening = false
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #keysUsed = false

  constructor(options: RevocationOptions) {
    this.#options = options
  }

  has(token: Parameters<RevocationList['has']>[0]): boolean {
    return this.#list.has(token)
  }

  /**
   * Reads the list if it is not known yet. Returns undefined if it is known.
   *
   * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE`
   */
  ready(): Promise<void> | undefined {
    return this.#loaded ? undefined : this.#readAll()
  }

  /** Call this when the notification channel works again. Reads the list, because notifications may have been missed before. */
  heard(): void {
    this.#listening = true
    this.#readAgain()
  }

  /** Call this when the notification channel does not work. The list is then read every 5 seconds. */
  unheard(): void {
    this.#listening = false
    this.#later()
  }

  /** Call this with the hashes of revoked credentials that notifications named. Reads their entries. */
  notified(hashes: ReadonlySet<string>): void {
    if (hashes.size > MAX_ASKED) {
      this.#readAgain()
      return
    }
    this.#read(READ_SOME, [[...hashes]]).then(
      (entries) => {
        this.#list.add(entries)
        if (entries.length > 0) this.onRevoked()
      },
      () => this.#readAgain(),
    )
  }

  /**
   * Revokes a token, or all tokens of a user that were issued until now, for all processes.
   *
   * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` without a seal's secret, or if the database lacks the migration
   */
  async revoke(what: Revoked, value: string): Promise<void> {
    if (typeof value !== 'string' || value === '')
      throw new ConfigurationError(`The id of the ${what} to revoke must be a string that is not empty.`)
    await this.#useKeys()
    const hashes = this.#list.hashesOf(what, value)
    try {
      await this.#query(REVOKE, [hashes, Math.ceil(this.#options.keepMs() / 1000)])
    } catch (error) {
      if (isMissing(error))
        throw new ConfigurationError('The database has no table of revocations. Run: npx partywall migrate', {
          cause: error,
        })
      throw error
    }
    this.#list.add(await this.#read(READ_SOME, [hashes]))
    this.onRevoked()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  /** Reads the list again. A reading that has already begun may miss new revocations, so a second reading follows. */
  #readAgain(): void {
    if (this.#loading === undefined) {
      this.#readAll().catch(() => {}) // #load() has logged the error, and reads the list again later
      return
    }
    if (this.#isFollowed) return
    this.#isFollowed = true
    const next = () => {
      this.#isFollowed = false
      if (!this.#closed) this.#readAgain()
    }
    this.#loading.then(next, next)
  }

  #readAll(): Promise<void> {
    this.#loading ??= outsideOfTenants(() => this.#load()).finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  async #load(): Promise<void> {
    try {
      await this.#useKeys()
      this.#list.add(await this.#read(READ_ALL, []))
      this.#loaded = true
      this.onRevoked()
    } catch (error) {
      const { message } = error instanceof Error ? error : new Error(String(error))
      this.#options.logger.warn({ error: message }, 'the list of revoked tokens could not be read; it is read again')
      throw new DependencyUnavailableError('The list of revoked tokens cannot be read.', {
        cause: error,
        details: { dependency: 'revocations' },
      })
    } finally {
      if (!this.#listening || !this.#loaded) this.#later()
    }
  }

  /** Reads the list again after a while, unless it is loaded and notifications are received by then. */
  #later(): void {
    if (this.#closed) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      if (!this.#listening || !this.#loaded) this.#readAgain()
    }, READ_AGAIN_MS).unref()
  }

  async #useKeys(): Promise<void> {
    if (this.#keysUsed) return
    this.#list.use(await this.#options.keys())
    this.#keysUsed = true
  }

  async #read(text: string, values: readonly unknown[]): Promise<readonly RevokedEntry[]> {
    try {
      const { rows } = await this.#query(text, values)
      return rows.map(toEntry)
    } catch (error) {
      // The database has the tables of an older release, so nothing can have been revoked in it.
      if (isMissing(error)) return []
      throw error
    }
  }

  #query(text: string, values: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }> {
    return outsideOfTenants(() => runWithoutTenant(() => this.#options.pool.query(text, values)))
  }
}

/** SQLSTATE 42883 and 3F000: no such function, no such schema. */
function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '42883' || error.code === '3F000')
}

function toEntry(row: unknown): RevokedEntry {
  const value = (name: string): unknown =>
    row !== null && typeof row === 'object' ? Reflect.get(row, name) : undefined
  return {
    hash: String(value('hash')),
    revokedAt: Number(value('revoked_at')),
    keepUntil: Number(value('keep_until')),
  }
}
