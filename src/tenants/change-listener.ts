import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { outsideOfTenants } from '../context/store.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'

/** Options of {@link createChangeListener}. */
export interface ChangeListenerOptions {
  /** Settings of a direct connection to PostgreSQL, because LISTEN does not work behind a transaction pooler. */
  readonly connection: pg.ClientConfig
  /** Called with the hashes of tenant ids (`tenantHash`) that were notified since the last call; at most once per `batchMs`. */
  readonly onChanges: (hashes: ReadonlySet<string>) => void
  /** Called with the hashes of revoked tokens and users (`RevocationList.hashesOf`); at most once per `batchMs`. */
  readonly onRevoked?: ((hashes: ReadonlySet<string>) => void) | undefined
  /** Called when the channel works. Notifications of earlier changes may have been missed. */
  readonly onUp: () => void
  /** Called when the channel fails. Notifications are missed from now on, and maybe since the last heartbeat. */
  readonly onDown: () => void
  /** Time between two heartbeats, and the time limit of each heartbeat; default 1_000. */
  readonly heartbeatMs?: number | undefined
  /** Notifications are gathered for this long; default 20. A flood causes only one lookup per batch. */
  readonly batchMs?: number | undefined
  readonly events?: SecurityEvents | undefined
  readonly logger: Logger
}

/** Listens for changes of tenants on a separate connection. */
export interface ChangeListener {
  /** Starts listening; further calls do nothing. */
  start(): void
  /** Whether the channel works now: the last heartbeat came back. */
  readonly up: boolean
  close(): Promise<void>
}

const TENANTS = 'partywall_tenants'
const REVOCATIONS = 'partywall_revocations'
const HASH = /^[0-9a-f]{64}$/
const LONGEST_PAUSE_MS = 5_000

/**
 * Makes a listener that uses LISTEN with a heartbeat: its connection sends notifications to itself. If such a notification does not arrive,
 * the socket is half-open, or notifications are lost.
 */
export function createChangeListener(options: ChangeListenerOptions): ChangeListener {
  return new PostgresChangeListener(options)
}

class PostgresChangeListener implements ChangeListener {
  readonly #options: ChangeListenerOptions
  readonly #heartbeatMs: number
  readonly #ownChannel = `partywall_heartbeat_${randomBytes(8).toString('hex')}`
  /** Notified hashes by channel. */
  readonly #batches: ReadonlyMap<string, Batch>
  #client: pg.Client | undefined
  #state: 'new' | 'started' | 'closed' = 'new'
  #up = false
  #failures = 0
  /** The number of the last heartbeat that was sent, and of the last heartbeat that came back. */
  #sent = 0
  #heard = 0
  #beatTimer: NodeJS.Timeout | undefined
  #retryTimer: NodeJS.Timeout | undefined

  constructor(options: ChangeListenerOptions) {
    this.#options = options
    this.#heartbeatMs = options.heartbeatMs ?? 1_000
    const { batchMs = 20, onChanges, onRevoked = () => {} } = options
    this.#batches = new Map([
      [TENANTS, new Batch(batchMs, onChanges)],
      [REVOCATIONS, new Batch(batchMs, onRevoked)],
    ])
  }

  start(): void {
    if (this.#state !== 'new') return
    this.#state = 'started'
    // Run outside any request's context, although a request may start the listener.
    outsideOfTenants(() => this.#connect())
  }

  get up(): boolean {
    return this.#up
  }

  async close(): Promise<void> {
    this.#state = 'closed'
    clearTimeout(this.#beatTimer)
    clearTimeout(this.#retryTimer)
    for (const batch of this.#batches.values()) batch.close()
    const last = this.#client
    this.#client = undefined
    this.#up = false
    if (last !== undefined) destroy(last)
  }

  #connect(): void {
    if (this.#state === 'closed') return
    const next = new pg.Client({
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      application_name: 'partywall listener',
      ...this.#options.connection,
    })
    this.#client = next
    next.on('error', (error) => this.#lost(next, error))
    next.on('end', () => this.#lost(next, undefined))
    next.on('notification', (message) => this.#notified(message))
    this.#open(next).catch((error: unknown) => this.#lost(next, error))
  }

  async #open(next: pg.Client): Promise<void> {
    await next.connect()
    if (this.#client !== next) return destroy(next)
    unreference(next)
    for (const channel of this.#batches.keys()) await next.query(`listen ${channel}`)
    await next.query(`listen ${pg.escapeIdentifier(this.#ownChannel)}`)
    await this.#pulse(next)
  }

  #notified({ channel, payload = '' }: pg.Notification): void {
    if (channel === this.#ownChannel) this.#heard = Number(payload)
    else if (HASH.test(payload)) this.#batches.get(channel)?.add(payload)
  }

  #lost(of: pg.Client, error: unknown): void {
    if (this.#client !== of) return
    this.#client = undefined
    clearTimeout(this.#beatTimer)
    destroy(of)
    if (this.#up) {
      this.#up = false
      this.#options.onDown()
      this.#options.events?.emit({ type: 'LISTENER_DOWN', listener: 'tenants' })
      this.#options.logger.warn(
        { listener: 'tenants', error: error instanceof Error ? error.message : undefined },
        'changes of tenants are not received; the directory reads tenants again more often',
      )
    }
    if (this.#state === 'closed') return
    const pause = Math.min(LONGEST_PAUSE_MS, 100 * 2 ** Math.min(this.#failures++, 10))
    this.#retryTimer = setTimeout(() => this.#connect(), pause * (0.5 + Math.random() / 2)).unref()
  }

  /** One heartbeat: the notification must come back in time. */
  async #pulse(of: pg.Client): Promise<void> {
    const sent = ++this.#sent
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(NO_ECHO)), this.#heartbeatMs).unref()
    })
    try {
      // PostgreSQL delivers our own notification before the end of the query.
      await Promise.race([of.query('select pg_catalog.pg_notify($1, $2)', [this.#ownChannel, String(sent)]), late])
    } finally {
      clearTimeout(timer)
    }
    if (this.#client !== of) return
    if (this.#heard !== sent) await this.#waitForEcho(of, sent)
    if (this.#client !== of) return
    if (!this.#up) {
      this.#up = true
      this.#failures = 0
      this.#options.onUp()
      this.#options.events?.emit({ type: 'LISTENER_UP', listener: 'tenants' })
    }
    this.#beatTimer = setTimeout(() => {
      this.#pulse(of).catch((error: unknown) => this.#lost(of, error))
    }, this.#heartbeatMs).unref()
  }

  async #waitForEcho(of: pg.Client, sent: number): Promise<void> {
    const end = Date.now() + this.#heartbeatMs
    while (this.#client === of && this.#heard !== sent) {
      if (Date.now() > end) throw new Error(NO_ECHO)
      await new Promise((resolve) => setTimeout(resolve, 5).unref())
    }
  }
}

const NO_ECHO = 'the heartbeat did not come back'

/** Gathers hashes for some milliseconds, so that a flood of notifications causes only one lookup per batch. */
class Batch {
  readonly #batchMs: number
  readonly #tell: (hashes: ReadonlySet<string>) => void
  #hashes = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(batchMs: number, tell: (hashes: ReadonlySet<string>) => void) {
    this.#batchMs = batchMs
    this.#tell = tell
  }

  add(hash: string): void {
    this.#hashes.add(hash)
    this.#timer ??= setTimeout(() => this.#flush(), this.#batchMs).unref()
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #flush(): void {
    this.#timer = undefined
    const hashes = this.#hashes
    this.#hashes = new Set()
    this.#tell(hashes)
  }
}

/** Destroys the socket. A regular end would wait for a server that may not answer. */
function destroy(client: pg.Client): void {
  const stream = streamOf(client)
  if (stream === undefined) client.end().catch(() => {})
  else stream.destroy()
}

/** Lets the process end while the listener's socket is still open. */
function unreference(client: pg.Client): void {
  streamOf(client)?.unref()
}

function streamOf(client: pg.Client): { destroy(): void; unref(): void } | undefined {
  const connection: unknown = Reflect.get(client, 'connection')
  if (connection === null || typeof connection !== 'object') return undefined
  const stream: unknown = Reflect.get(connection, 'stream')
  if (stream === null || typeof stream !== 'object' || !('destroy' in stream) || !('unref' in stream)) return undefined
  // pg's Connection holds a net.Socket (or a TLS socket) there.
  return stream as { destroy(): void; unref(): void }
}
