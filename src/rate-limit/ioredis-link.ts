import { z } from 'zod'
import type { IoredisClient, RedisLink } from './redis-client.ts'

/** The members that a duplicate of an ioredis client must have. They are checked, because the client comes from the user. */
interface Duplicate {
  readonly status: string
  connect(): Promise<unknown>
  disconnect(): void
  on(event: string, listener: (...values: never[]) => void): unknown
  evalshaBuffer(sha: string, keyCount: number, ...values: string[]): Promise<unknown>
  evalBuffer(text: string, keyCount: number, ...values: string[]): Promise<unknown>
}

const duplicate = z.custom<Duplicate>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    ['connect', 'disconnect', 'on', 'evalshaBuffer', 'evalBuffer'].every(
      (name) => typeof Reflect.get(value, name) === 'function',
    ),
  'is not a client of ioredis',
)

export const RETRY_MS = 200
export const CONNECT_TIMEOUT_MS = 1000

/** Opens a separate connection with the user's address and our settings. */
export function openIoredis(client: IoredisClient): RedisLink {
  // ioredis's defaults would queue calls while the server is down (10 s until the first error), and send a counted call again.
  const perNode = {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    enableAutoPipelining: false,
    stringNumbers: false,
    lazyConnect: true,
    retryStrategy: () => RETRY_MS,
    reconnectOnError: null,
  }
  const forCluster = {
    // ioredis connects to a node at its first use. Without a queue, further calls would fail until then. The limiter's time-out bounds the
    // wait, and `usable` lets no call through while the whole cluster is down.
    enableOfflineQueue: true,
    enableAutoPipelining: false,
    lazyConnect: true,
    clusterRetryStrategy: () => RETRY_MS,
    // 0 switches re-sending off. MOVED, ASK and TRYAGAIN are still followed, because the server did not run those calls.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: 20,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    redisOptions: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
    },
  }
  const copy = client.isCluster
    ? Reflect.apply(client.duplicate, client, [[], forCluster])
    : Reflect.apply(client.duplicate, client, [perNode])
  const link = duplicate.parse(copy)
  let lastError: Error | undefined
  link.on('error', (error: Error) => {
    lastError = error
  })
  const ready = new Promise<void>((resolve) => {
    link.on('ready', () => {
      lastError = undefined
      resolve()
    })
  })
  // ioredis retries a refused first connection. `lastError` contains the reason.
  link.connect().catch(() => {})
  return {
    isCluster: client.isCluster,
    ready,
    usable: () => link.status === 'ready',
    lastError: () => lastError,
    evalsha: (sha, keys, values) => link.evalshaBuffer(sha, keys.length, ...keys, ...values),
    evaluate: (text, keys, values) => link.evalBuffer(text, keys.length, ...keys, ...values),
    close() {
      link.disconnect()
    },
  }
}
