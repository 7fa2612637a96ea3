import { z } from 'zod'
import { CONNECT_TIMEOUT_MS, RETRY_MS } from './ioredis-link.ts'
import type { NodeRedisClient, RedisLink } from './redis-client.ts'

interface Evaluator {
  eval(text: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
}

interface Duplicate extends Evaluator {
  readonly isReady?: boolean
  connect(): Promise<unknown>
  destroy(): void
  on(event: string, listener: (...values: never[]) => void): unknown
  withTypeMapping(mapping: Readonly<Record<number, unknown>>): Evaluator
}

const duplicate = z.custom<Duplicate>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    ['connect', 'destroy', 'on', 'eval', 'evalSha', 'withTypeMapping'].every(
      (name) => typeof Reflect.get(value, name) === 'function',
    ),
  'is not a client of node-redis 5 or later',
)

/** RESP's blob string: the script's packed reply must come as bytes. */
const BLOB_STRING = 36

/** Opens a separate connection with the user's address and our settings. */
export function openNodeRedis(client: NodeRedisClient): RedisLink {
  const options = readOptions(client)
  const socket = { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: () => RETRY_MS }
  const isCluster = 'slots' in client
  const defaults = readRecord(options, 'defaults')
  const copy = Reflect.apply(client.duplicate, client, [
    isCluster
      ? {
          defaults: {
            ...defaults,
            disableOfflineQueue: true,
            socket: { ...readRecord(defaults, 'socket'), ...socket },
          },
        }
      : { disableOfflineQueue: true, socket: { ...readRecord(options, 'socket'), ...socket } },
  ])
  const link = duplicate.parse(copy)
  let lastError: Error | undefined
  let connected = false
  link.on('error', (error: Error) => {
    lastError = error
  })
  link.on('ready', () => {
    lastError = undefined
  })
  const ready = connect()
  async function connect(): Promise<void> {
    for (;;) {
      try {
        await link.connect()
        connected = true
        return
      } catch (error) {
        // A cluster client gives up when no root node answers. A client of a single server tries again by itself.
        if (error instanceof Error) lastError = error
        if (closed) return
        await new Promise((resolve) => {
          setTimeout(resolve, RETRY_MS).unref()
        })
        if (closed) return
      }
    }
  }
  let closed = false
  ready.catch(() => {})
  const bytes = link.withTypeMapping({ [BLOB_STRING]: Buffer })
  return {
    isCluster,
    ready,
    usable: () => connected && link.isReady !== false,
    lastError: () => lastError,
    evalsha: (sha, keys, values) => bytes.evalSha(sha, { keys, arguments: values }),
    evaluate: (text, keys, values) => bytes.eval(text, { keys, arguments: values }),
    close() {
      closed = true
      try {
        link.destroy()
      } catch {
        // The client was never open, so there is nothing to end.
      }
    },
  }
}

function readOptions(client: object): Readonly<Record<string, unknown>> {
  return readRecord(client, 'options') ?? readRecord(client, '_options') ?? {}
}

function readRecord(from: object | undefined, name: string): Readonly<Record<string, unknown>> | undefined {
  const value: unknown = from === undefined ? undefined : Reflect.get(from, name)
  return z.record(z.string(), z.unknown()).safeParse(value).data
}
