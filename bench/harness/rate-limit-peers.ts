import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Redis } from 'ioredis'
import { z } from 'zod'

/** Another library that enforces the same three limits for one tenant. */
interface Peer {
  readonly name: string
  decide(tenantId: string): Promise<unknown>
}

/** The limits of every side, so high that no request is refused during the measurement. */
const WINDOWS = [
  { name: 'burst', points: 1_000_000, seconds: 10 },
  { name: 'minute', points: 1_000_000, seconds: 60 },
  { name: 'day', points: 100_000_000, seconds: 86_400 },
] as const

const folder = fileURLToPath(new URL('../../../bench/peers/', import.meta.url))

/** The peers that are installed in bench/peers; none of them is a dependency of partywall. */
export function loadPeers(redis: Redis): readonly Peer[] {
  if (!existsSync(`${folder}node_modules`)) return []
  const load = createRequire(`${folder}package.json`)
  return [
    flexible(load, redis),
    flexibleUnion(load, redis),
    expressStore(load, redis),
    fastifyStore(load, redis),
    upstash(load, redis),
  ]
}

export const PEERS_MISSING = 'the peers are not installed: run `npm ci` in bench/peers to compare with them'

type Load = (name: string) => unknown
type Constructor = new (...values: unknown[]) => object

// The peers have no types here, because their packages are not installed with partywall.
const constructible = z.custom<Constructor>((value) => typeof value === 'function')

function make(module: unknown, name: string, ...values: unknown[]): object {
  const made = constructible.parse(
    z.record(z.string(), z.unknown()).or(z.custom<object>()).parse(module) && Reflect.get(Object(module), name),
  )
  return new made(...values)
}

function method(target: object, name: string): (...values: unknown[]) => unknown {
  const found: unknown = Reflect.get(target, name)
  if (typeof found !== 'function') throw new TypeError(`a peer has no ${name}()`)
  return (...values) => Reflect.apply(found, target, values)
}

function flexibleLimiters(load: Load, redis: Redis, prefix: string): object[] {
  return WINDOWS.map(({ name, points, seconds }) =>
    make(load('rate-limiter-flexible'), 'RateLimiterRedis', {
      storeClient: redis,
      keyPrefix: `${prefix}:${name}`,
      points,
      duration: seconds,
    }),
  )
}

function flexible(load: Load, redis: Redis): Peer {
  const consume = flexibleLimiters(load, redis, 'rlf').map((limiter) => method(limiter, 'consume'))
  return {
    name: 'rate-limiter-flexible, Promise.all',
    decide: (tenantId) => Promise.all(consume.map((one) => one(tenantId))),
  }
}

function flexibleUnion(load: Load, redis: Redis): Peer {
  const union = make(load('rate-limiter-flexible'), 'RateLimiterUnion', ...flexibleLimiters(load, redis, 'rlu'))
  const consume = method(union, 'consume')
  return { name: 'rate-limiter-flexible, RateLimiterUnion', decide: async (tenantId) => consume(tenantId) }
}

function expressStore(load: Load, redis: Redis): Peer {
  const increments = WINDOWS.map(({ name, seconds }) => {
    const store = make(load('rate-limit-redis'), 'RedisStore', {
      prefix: `erl:${name}:`,
      sendCommand: (command: string, ...values: string[]) => redis.call(command, ...values),
    })
    method(store, 'init')({ windowMs: seconds * 1000 })
    return method(store, 'increment')
  })
  return {
    name: 'express-rate-limit with rate-limit-redis',
    decide: (tenantId) => Promise.all(increments.map((one) => one(tenantId))),
  }
}

function fastifyStore(load: Load, redis: Redis): Peer {
  const Store = constructible.parse(load('@fastify/rate-limit/store/RedisStore.js'))
  const increments = WINDOWS.map(({ name, points, seconds }) => {
    const incr = method(new Store(false, false, redis, `frl:${name}:`), 'incr')
    return (tenantId: string) =>
      new Promise((resolve, reject) => {
        incr(
          tenantId,
          (error: unknown, value: unknown) => (error ? reject(error) : resolve(value)),
          seconds * 1000,
          points,
        )
      })
  })
  return {
    name: '@fastify/rate-limit, its store',
    decide: (tenantId) => Promise.all(increments.map((one) => one(tenantId))),
  }
}

function upstash(load: Load, redis: Redis): Peer {
  // The library talks to Upstash over HTTP. Here it gets a client on the same TCP connection as all others. Redis 7.0 refuses the first
  // line of its script.
  const plain = (script: string) => script.replace(/^\s*#!lua[^\n]*\n/, '')
  const shas = new Map<string, string>()
  const strings = (values: readonly unknown[]) => values.map(String)
  const client = {
    async evalsha(sha: string, keys: string[], values: unknown[]) {
      return redis.evalsha(shas.get(sha) ?? sha, keys.length, ...keys, ...strings(values))
    },
    async eval(script: string, keys: string[], values: unknown[]) {
      return redis.eval(plain(script), keys.length, ...keys, ...strings(values))
    },
    async scriptLoad(script: string) {
      return String(await redis.script('LOAD', plain(script)))
    },
  }
  const Ratelimit: unknown = Reflect.get(Object(load('@upstash/ratelimit')), 'Ratelimit')
  const fixedWindow = method(Object(Ratelimit), 'fixedWindow')
  const limits = WINDOWS.map(({ name, points, seconds }) =>
    method(
      new (constructible.parse(Ratelimit))({
        redis: {
          ...client,
          async evalsha(sha: string, keys: string[], values: unknown[]) {
            try {
              return await client.evalsha(sha, keys, values)
            } catch (error) {
              // The script without its first line has another digest, so map the library's digest to ours.
              throw error instanceof Error ? new Error(`NOSCRIPT ${error.message}`) : error
            }
          },
          async eval(script: string, keys: string[], values: unknown[]) {
            const { createHash } = await import('node:crypto')
            shas.set(createHash('sha1').update(script).digest('hex'), await client.scriptLoad(script))
            return client.eval(script, keys, values)
          },
        },
        limiter: fixedWindow(points, `${seconds} s`),
        prefix: `ups:${name}`,
        ephemeralCache: false,
        analytics: false,
      }),
      'limit',
    ),
  )
  return { name: '@upstash/ratelimit over TCP', decide: (tenantId) => Promise.all(limits.map((one) => one(tenantId))) }
}
