import { z } from 'zod'
import { parseOptions } from '../config/parse-options.ts'
import { ConfigurationError, DependencyUnavailableError } from '../errors.ts'
import { createDecisionBatches } from './decision-batches.ts'
import { DECISIONS, OVERRIDE, RESET, type Script } from './decision-script.ts'
import { openIoredis } from './ioredis-link.ts'
import { openNodeRedis } from './node-redis-link.ts'
import type { IoredisClient, NodeRedisClient, RedisClient, RedisLink } from './redis-client.ts'
import type { RateLimitStore } from './store.ts'

export interface RedisStoreOptions {
  /** Prefix of all keys, without braces. Default `partywall:rl:`. */
  readonly prefix?: string
}

const optionsSchema = z.strictObject({
  prefix: z
    .string()
    .max(64)
    .regex(/^[^{}\s]*$/, 'must contain no braces (they would move the hash tag) and no white space')
    .default('partywall:rl:'),
})

/**
 * A store in Redis 6.2 or later, or in Valkey, on a single server or a Cluster. All processes share its counters. A decision takes one
 * round trip, and decisions of one turn of the event loop share a call, except in a Cluster.
 *
 * Opens no connection until the first decision. It uses a duplicate of the client with settings that fail fast, and never changes or closes
 * the client itself.
 *
 * @param connection a client of `ioredis` or `redis` (connected or not), or a `redis://` URL (needs one of the two installed)
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` for anything else
 */
export function createRedisStore(connection: RedisClient | string, options: RedisStoreOptions = {}): RateLimitStore {
  const { prefix } = parseOptions(optionsSchema, options, 'createRedisStore(connection, options)')
  const open = opener(connection)
  let link: RedisLink | undefined
  let opening: Promise<RedisLink> | undefined
  let closed = false

  function openLink(): Promise<RedisLink> {
    if (closed) return Promise.reject(new DependencyUnavailableError('The store of rate limits is closed.'))
    if (opening !== undefined) return opening
    const mine = Promise.resolve(open()).then(async (opened) => {
      if (closed || opening !== mine) opened.close()
      else link = opened
      // The first calls wait here; the limiter's time-out bounds how long.
      await opened.ready
      return opened
    })
    opening = mine
    // If opening fails, the next call tries again.
    mine.catch(() => {
      if (opening === mine) opening = undefined
    })
    return mine
  }

  function run(script: Script, keys: string[], values: string[]): Promise<unknown> {
    if (link?.usable() === true) return runOn(link, script, keys, values)
    const current = link
    if (current?.lastError() !== undefined) return Promise.reject(notConnected(current))
    return openLink().then((opened) =>
      opened.usable() ? runOn(opened, script, keys, values) : Promise.reject(notConnected(opened)),
    )
  }

  const batches = createDecisionBatches({
    prefix,
    run,
    together: () => link !== undefined && !link.isCluster,
  })

  return {
    kind: 'redis',
    inProcess: false,
    decide: batches.decide,
    async reset(keys) {
      for (const key of keys) await run(RESET, [prefix + key], [])
    },
    async override(key, override) {
      const values =
        override === undefined
          ? []
          : [override.limits.perMinute, override.limits.perDay, override.limits.burst, override.untilSeconds].map(
              String,
            )
      await run(OVERRIDE, [prefix + key], values)
    },
    async ping() {
      // In a cluster, only a command with a key shows that the key's slot is served.
      await run(DECISIONS[0], [`${prefix}{~ping}`], ['0', '1', '0', '1'])
    },
    refresh() {
      const old = link
      link = undefined
      opening = undefined
      old?.close()
      if (!closed) openLink().catch(() => {})
    },
    async close() {
      closed = true
      link?.close()
    },
  }
}

/**
 * Runs EVALSHA. If the server has lost the script (restart, SCRIPT FLUSH, fail-over), it answers NOSCRIPT and has run nothing, so the call
 * is repeated with EVAL.
 */
function runOn(link: RedisLink, script: Script, keys: string[], values: string[]): Promise<unknown> {
  return link.evalsha(script.sha, keys, values).catch((error: unknown) => {
    if (error instanceof Error && error.message.startsWith('NOSCRIPT')) return link.evaluate(script.text, keys, values)
    throw error
  })
}

function notConnected(link: RedisLink): Error {
  return new DependencyUnavailableError('Redis is not connected.', { cause: link.lastError() })
}

function opener(connection: RedisClient | string): () => RedisLink | Promise<RedisLink> {
  if (typeof connection === 'string') {
    if (!/^rediss?:\/\//.test(connection)) {
      throw new ConfigurationError('createRedisStore(connection): a URL must begin with redis:// or rediss://.')
    }
    return () => openUrl(connection)
  }
  if (isIoredis(connection)) return () => openIoredis(connection)
  if (isNodeRedis(connection)) return () => openNodeRedis(connection)
  throw new ConfigurationError(
    'createRedisStore(connection): connection must be a client of ioredis or of redis (node-redis), or a redis:// URL.',
  )
}

/** Loads one of the two libraries; both are optional peers. */
async function openUrl(url: string): Promise<RedisLink> {
  const ioredis = await import('ioredis').catch(() => undefined)
  if (ioredis !== undefined) {
    const template = new ioredis.Redis(url, { lazyConnect: true })
    return openIoredis(template)
  }
  const redis = await import('redis').catch(() => undefined)
  if (redis !== undefined) return openNodeRedis(redis.createClient({ url }))
  throw new ConfigurationError('A redis:// URL needs `npm install ioredis` (or `redis`).')
}

function isIoredis(value: unknown): value is IoredisClient {
  return hasMethods(value, ['duplicate', 'evalsha'])
}

function isNodeRedis(value: unknown): value is NodeRedisClient {
  return hasMethods(value, ['duplicate', 'evalSha'])
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return (
    typeof value === 'object' && value !== null && names.every((name) => typeof Reflect.get(value, name) === 'function')
  )
}
