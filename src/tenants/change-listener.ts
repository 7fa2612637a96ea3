import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { outsideOfTenants } from '../context/store.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'

/** What {@link createChangeListener} takes. */
export interface ChangeListenerOptions {
  /** A direct connection: LISTEN does not work behind a transaction pooler. */
  readonly connection: pg.ClientConfig
  /** Told of the hashes that were notified since the last call; at most once per `batchMs`. */
  readonly onChanges: (hashes: ReadonlySet<string>) => void
  /** The channel works now; whatever was changed before may have gone unheard. */
  readonly onUp: () => void
  /** The channel was missed: changes go unheard from now on, and maybe since the last heartbeat. */
  readonly onDown: () => void
  /** Time between two heartbeats, and how long one may take; default 1_000. */
  readonly heartbeatMs?: number | undefined
  /** Notifications are gathered for this long; default 20. A flood costs no more than one look per batch. */
  readonly batchMs?: number | undefined
  readonly events?: SecurityEvents | undefined
  readonly logger: Logger
}

/** Listens for changes of tenants on a connection of its own. */
export interface ChangeListener {
  /** Starts once; later calls do nothing. */
  start(): void
  /** Resolves when the channel has worked once. */
  readonly up: boolean
  close(): Promise<void>
}

const CHANNEL = 'partywall_tenants'
const HASH = /^[0-9a-f]{64}$/
const LONGEST_PAUSE_MS = 5_000

/**
 * LISTEN with a heartbeat to itself: a half-open socket, or a channel that swallows notifications, is found by what does not come back.
 */
export function createChangeListener(options: ChangeListenerOptions): ChangeListener {
  const { heartbeatMs = 1_000, batchMs = 20, logger, events } = options
  const ownChannel = `partywall_heartbeat_${randomBytes(8).toString('hex')}`
  let client: pg.Client | undefined
  let started = false
  let closed = false
  let up = false
  let failures = 0
  let beat = 0
  let heard = 0
  let beatTimer: NodeJS.Timeout | undefined
  let retryTimer: NodeJS.Timeout | undefined
  let batchTimer: NodeJS.Timeout | undefined
  const batch = new Set<string>()

  function notified(message: pg.Notification): void {
    if (message.channel === ownChannel) {
      heard = Number(message.payload)
      return
    }
    const hash = message.payload ?? ''
    if (message.channel !== CHANNEL || !HASH.test(hash)) return
    batch.add(hash)
    batchTimer ??= setTimeout(flush, batchMs).unref()
  }

  function flush(): void {
    batchTimer = undefined
    const hashes = new Set(batch)
    batch.clear()
    if (!closed) options.onChanges(hashes)
  }

  function lost(of: pg.Client, error: unknown): void {
    if (client !== of) return
    client = undefined
    clearTimeout(beatTimer)
    destroy(of)
    if (up) {
      up = false
      options.onDown()
      events?.emit({ type: 'LISTENER_DOWN', listener: 'tenants' })
      logger.warn(
        { listener: 'tenants', error: error instanceof Error ? error.message : undefined },
        'tenant changes go unheard; the directory re-reads more often',
      )
    }
    if (closed) return
    const pause = Math.min(LONGEST_PAUSE_MS, 100 * 2 ** Math.min(failures++, 10))
    retryTimer = setTimeout(connect, pause * (0.5 + Math.random() / 2)).unref()
  }

  function connect(): void {
    if (closed) return
    const next = new pg.Client({
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      application_name: 'partywall listener',
      ...options.connection,
    })
    client = next
    next.on('error', (error) => lost(next, error))
    next.on('end', () => lost(next, undefined))
    next.on('notification', notified)
    open(next).catch((error: unknown) => lost(next, error))
  }

  async function open(next: pg.Client): Promise<void> {
    await next.connect()
    if (client !== next) return destroy(next)
    unreference(next)
    await next.query(`listen ${CHANNEL}`)
    await next.query(`listen ${pg.escapeIdentifier(ownChannel)}`)
    await pulse(next)
  }

  /** One heartbeat: what is sent must come back before the time is over. */
  async function pulse(of: pg.Client): Promise<void> {
    const sent = ++beat
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('the heartbeat did not come back')), heartbeatMs).unref()
    })
    try {
      // The notification to ourselves is delivered before the query's own end.
      await Promise.race([of.query('select pg_catalog.pg_notify($1, $2)', [ownChannel, String(sent)]), late])
    } finally {
      clearTimeout(timer)
    }
    if (client !== of) return
    if (heard !== sent) await waitForEcho(of, sent)
    if (client !== of) return
    if (!up) {
      up = true
      failures = 0
      options.onUp()
      events?.emit({ type: 'LISTENER_UP', listener: 'tenants' })
    }
    beatTimer = setTimeout(() => {
      pulse(of).catch((error: unknown) => lost(of, error))
    }, heartbeatMs).unref()
  }

  async function waitForEcho(of: pg.Client, sent: number): Promise<void> {
    const end = Date.now() + heartbeatMs
    while (client === of && heard !== sent) {
      if (Date.now() > end) throw new Error('the heartbeat did not come back')
      await new Promise((resolve) => setTimeout(resolve, 5).unref())
    }
  }

  return {
    start() {
      if (started || closed) return
      started = true
      // Its events belong to no request, although a request may be what starts it.
      outsideOfTenants(connect)
    },
    get up() {
      return up
    },
    async close() {
      closed = true
      clearTimeout(beatTimer)
      clearTimeout(retryTimer)
      clearTimeout(batchTimer)
      const last = client
      client = undefined
      up = false
      if (last !== undefined) destroy(last)
    },
  }
}

/** The socket is cut: a polite goodbye would wait for a server that may be gone. */
function destroy(client: pg.Client): void {
  const stream = streamOf(client)
  if (stream === undefined) client.end().catch(() => {})
  else stream.destroy()
}

/** A process whose other work is done may end: the listener does not hold it. */
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
