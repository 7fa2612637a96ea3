import pg from 'pg'
import { canonicalJson } from '../config/canonical-json.ts'
import { parseOptions } from '../config/parse-options.ts'
import { ConfigurationError } from '../errors.ts'
import { createDefaultLogger, type Logger } from '../logger/logger.ts'
import type { AnchorStore } from './anchor-file.ts'
import { merkleRoot, recordHash } from './merkle.ts'
import { READING } from './read-cursor.ts'
import type { AnchorBody, PublishedAnchor } from './records.ts'
import {
  type AnchorHead,
  type Batch,
  insertAnchor,
  publishedForm,
  readBatches,
  readHead,
  readPublished,
  type SigningKey,
  writeBatches,
} from './seal-batch.ts'
import { batchEnd, measureBacklog, SealingWindow } from './sealer-backlog.ts'
import { type AuditSealerOptions, type CheckedSealerOptions, sealerOptions } from './sealer-options.ts'
import { readAuditKey, signHash } from './signer.ts'

/** Result of one tick (one round of the sealer). */
export interface SealTick {
  /** `sealed`: events were sealed. `idle`: there was nothing to seal yet. `follower`: another sealer seals. */
  readonly state: 'sealed' | 'idle' | 'follower'
  readonly events: number
  readonly tenants: number
  /** Age of the oldest unsealed event after the tick. */
  readonly lagSeconds: number
  /** Number of unsealed events after the tick; counted up to 100,000. */
  readonly unsealed: number
}

/** Seals the log: reads finished events, signs them in batches, publishes anchors. */
export interface AuditSealer {
  /**
   * Runs one round. `force` also seals events for which `batchSize` and `maxDelayMs` would let the sealer wait.
   *
   * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if this is not the log that was sealed, such as after the restore of an old
   * backup
   */
  tick(options?: { readonly force?: boolean }): Promise<SealTick>
  /** Runs rounds until `stop()`. If the database does not answer, it tries again. */
  start(): void
  stop(): Promise<void>
}

const HOUR_MS = 3_600_000

/**
 * Makes a sealer. Run it in a separate process (`partywall audit seal`): hashing in the application's process slows requests. Several
 * sealers may run. Only the sealer that holds a row lock seals; the rounds of the others do nothing.
 */
export function createAuditSealer(given: AuditSealerOptions): AuditSealer {
  return new RunningSealer(parseOptions(sealerOptions, given, 'createAuditSealer(options)'))
}

class RunningSealer implements AuditSealer {
  readonly #options: CheckedSealerOptions
  readonly #signing: SigningKey
  readonly #previous: SigningKey | undefined
  readonly #logger: Logger
  readonly #anchors: AnchorStore
  #client: pg.Client | undefined
  #unpublished: PublishedAnchor[] = []
  readonly #window = new SealingWindow()
  #monthsAt = Number.NEGATIVE_INFINITY
  #checkedOutside = false
  #timer: NodeJS.Timeout | undefined
  #ticking: Promise<unknown> = Promise.resolve()
  #stopped = true

  constructor(checked: CheckedSealerOptions) {
    this.#options = checked
    this.#signing = { signer: checked.signer, key: readAuditKey(checked.signer.publicKey) }
    const { previousSigner } = checked
    this.#previous =
      previousSigner === undefined ? undefined : { signer: previousSigner, key: readAuditKey(previousSigner.publicKey) }
    this.#logger = checked.logger ?? createDefaultLogger()
    this.#anchors = checked.anchors ?? {
      publish: (anchor) => this.#logger.warn({ anchor }, 'Audit anchor: keep this line outside the database.'),
    }
  }

  tick(asked: { readonly force?: boolean } = {}): Promise<SealTick> {
    const run = this.#ticking.then(() => this.#tick(asked.force === true))
    this.#ticking = run.catch(() => {})
    return run
  }

  start(): void {
    if (!this.#stopped) return
    this.#stopped = false
    const loop = async () => {
      try {
        await this.tick()
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error)
        this.#logger.error({ error: message }, 'The audit sealer could not seal events; it tries again.')
        if (error instanceof ConfigurationError) this.#options.events?.emit({ type: 'AUDIT_TAMPERED', detail: message })
      }
      if (!this.#stopped) this.#timer = setTimeout(loop, this.#options.tickMs)
    }
    this.#timer = setTimeout(loop, 0)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    await this.#ticking
    await this.#client?.end()
    this.#client = undefined
  }

  async #tick(force: boolean): Promise<SealTick> {
    await this.#publish()
    const client = await this.#connect()
    try {
      if (performance.now() - this.#monthsAt > HOUR_MS) {
        await client.query('select partywall.audit_make_months()')
        this.#monthsAt = performance.now()
      }
      await client.query('begin isolation level repeatable read')
      await client.query(READING)
      const tick = await this.#seal(client, force)
      await client.query('commit')
      await this.#publish()
      if (tick.lagSeconds > this.#options.lagSeconds) {
        this.#options.events?.emit({ type: 'AUDIT_LAGGING', lagSeconds: tick.lagSeconds, unsealed: tick.unsealed })
      }
      return tick
    } catch (error) {
      this.#unpublished = this.#unpublished.filter((anchor) => !this.#uncommitted.has(anchor))
      await client.query('rollback').catch(() => this.#drop(client))
      throw error
    } finally {
      this.#uncommitted.clear()
    }
  }

  readonly #uncommitted = new Set<PublishedAnchor>()

  async #seal(client: pg.Client, force: boolean): Promise<SealTick> {
    const leader = await client.query('select from partywall.audit_sealer for update skip locked')
    if (leader.rowCount !== 1) return { state: 'follower', events: 0, tenants: 0, lagSeconds: 0, unsealed: 0 }
    const { rows } = await client.query(
      `select (select system_identifier from pg_control_system())::text as system,
        to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at,
        pg_snapshot_xmin(pg_current_snapshot())::text as horizon, pg_snapshot_xmax(pg_current_snapshot())::text as next`,
    )
    const place: { system: string; at: string; horizon: string; next: string } = rows[0]
    let head = await this.#trustedHead(client)
    head = await this.#changeKey(client, head, place)
    const window = await this.#window.at(client, place, head?.body)
    const waiting = await measureBacklog(client, window)
    const asked = force || window.everything || head === undefined
    const due = asked || waiting.count >= this.#options.batchSize || waiting.ageMs >= this.#options.maxDelayMs
    let sealed = { events: 0, tenants: 0 }
    if (due) {
      const to = await batchEnd(client, window, place.horizon)
      const [from, end] = window.values
      const batches = await readBatches(client, window.where, [from, window.everything ? end : to])
      if (batches.length > 0 || window.everything || head === undefined) {
        const { system, at, next } = place
        const anchor = await writeBatches(client, batches, this.#signing, { kind: 'seal', system, at, next, to }, head)
        this.#enqueue(anchor)
        sealed = {
          events: batches.reduce((sum, batch) => sum + batch.ids.length, 0),
          tenants: new Set(batches.map((batch) => batch.tenant)).size,
        }
        for (const batch of batches) this.#reportAside(batch)
      }
    }
    await client.query('update partywall.audit_sealer set ticks = ticks + 1, ticked_at = clock_timestamp()')
    const unsealed = waiting.count - sealed.events
    const lagSeconds = unsealed > 0 ? waiting.ageMs / 1000 : 0
    return { state: sealed.events > 0 ? 'sealed' : 'idle', ...sealed, lagSeconds, unsealed }
  }

  /**
   * Logs events that were sealed by a digest or by their size. New events have a size limit, so these events were written before the limit
   * existed, or after somebody removed it.
   */
  #reportAside({ tenant, aside }: Batch): void {
    if (aside === undefined || aside.digest + aside.unreadable === 0) return
    const { digest, unreadable } = aside
    this.#logger.error(
      { tenant, digest, unreadable },
      'Events with more than 128 KiB of details were sealed by the digest of the details. Events whose details PostgreSQL cannot turn into text were sealed by their size only. The limit holds since migration 0014: find out who wrote them.',
    )
    if (unreadable === 0) return
    const detail = `${unreadable} events hold details that cannot be read. They are sealed by their size only.`
    this.#options.events?.emit({ type: 'AUDIT_TAMPERED', tenantId: tenant, detail })
  }

  async #trustedHead(client: pg.Client): Promise<AnchorHead | undefined> {
    const keys = [this.#signing.key, ...(this.#previous === undefined ? [] : [this.#previous.key])]
    const head = await readHead(client, keys)
    if (!this.#checkedOutside) {
      const outside = await this.#anchors.last?.()
      if (outside !== undefined && outside.n > (head?.body.n ?? 0)) {
        throw new ConfigurationError(
          `The database ends at anchor ${head?.body.n ?? 0}, the published anchors at ${outside.n}: it was cut, or an older backup was restored. Run: partywall audit verify`,
        )
      }
      if (outside !== undefined && outside.n === head?.body.n && outside.hash !== head.hash.toString('hex')) {
        throw new ConfigurationError(
          'The newest anchor is not the published one: the log was rewritten. Run: partywall audit verify',
        )
      }
      // If a sealer was killed between its commit and the publishing, its anchors are only in the database. Publish these first.
      if (this.#anchors.last !== undefined) {
        const known = new Set(this.#unpublished.map((anchor) => anchor.n))
        const missed = await readPublished(client, outside?.n ?? 0)
        this.#unpublished.unshift(...missed.filter((anchor) => !known.has(anchor.n)))
      }
      this.#checkedOutside = true
    }
    return head
  }

  async #changeKey(
    client: pg.Client,
    head: AnchorHead | undefined,
    place: { readonly at: string; readonly system: string },
  ): Promise<AnchorHead | undefined> {
    const previous = this.#previous
    if (head === undefined || previous === undefined || head.body.key !== previous.key.keyId) return head
    if (previous.key.keyId === this.#signing.key.keyId) return head
    const { system, to, next } = head.body
    const body: AnchorBody = {
      v: 1,
      kind: 'key',
      n: head.body.n + 1,
      at: place.at,
      system,
      to,
      next,
      count: 0,
      root: merkleRoot([]).toString('hex'),
      prev: head.hash.toString('hex'),
      key: this.#signing.key.keyId,
      oldKey: previous.key.publicKey,
      newKey: this.#signing.key.publicKey,
    }
    const text = canonicalJson(body)
    const hash = recordHash(text)
    const signature = await signHash(this.#signing.signer, this.#signing.key, hash)
    const record = { body: text, hash, keyId: this.#signing.key.keyId, signature }
    await insertAnchor(client, body, record, await signHash(previous.signer, previous.key, hash))
    this.#enqueue(publishedForm(body, record, []))
    return { body, hash }
  }

  #enqueue(anchor: PublishedAnchor): void {
    this.#unpublished.push(anchor)
    this.#uncommitted.add(anchor)
  }

  /**
   * Publishes anchors in order. Anchors whose publishing failed are published first in the next round. The failure is logged, because
   * without anchors a removal of events is not noticed.
   */
  async #publish(): Promise<void> {
    for (let anchor = this.#unpublished[0]; anchor !== undefined; anchor = this.#unpublished[0]) {
      try {
        await this.#anchors.publish(anchor)
      } catch (error) {
        const waiting = this.#unpublished.length
        this.#logger.error(
          { waiting, error: String(error) },
          'An audit anchor could not be published; the next round tries again.',
        )
        return
      }
      this.#unpublished.shift()
    }
  }

  async #connect(): Promise<pg.Client> {
    if (this.#client !== undefined) return this.#client
    const client = new pg.Client({
      connectionString: this.#options.databaseUrl,
      application_name: 'partywall audit seal',
    })
    client.on('error', () => this.#drop(client))
    await client.connect()
    this.#client = client
    return client
  }

  #drop(client: pg.Client): void {
    if (this.#client === client) this.#client = undefined
    client.end().catch(() => {}) // the connection is broken already
  }
}
