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

/** Opens a connection of our own with the user's address and our settings. */
export function openIoredis(client: IoredisClient): RedisLink {
  // The defaults would queue while the server is gone (10 s until the first error) and send a counted call again.
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
    // Nodes are connected when first used; without a queue, all calls but the first would fail meanwhile. The limiter's
    // time-out bounds the wait, and `usable` keeps calls away while the whole cluster is gone.
    enableOfflineQueue: true,
    enableAutoPipelining: false,
    lazyConnect: true,
    clusterRetryStrategy: () => RETRY_MS,
    // 0 switches the re-sending off; MOVED, ASK and TRYAGAIN are followed all the same: those calls were never run.
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
  // A refused first connection is retried; `lastError` tells why.
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
