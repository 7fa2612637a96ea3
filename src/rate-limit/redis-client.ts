// Structural types for the used parts of the two Redis clients. A user has one of them, and neither is a dependency.

/** A client of `ioredis`: `new Redis(…)` or `new Cluster(…)`. */
export interface IoredisClient {
  readonly status: string
  readonly isCluster: boolean
  duplicate(...options: never[]): unknown
}

/** A client of `redis` (node-redis 5 or later): `createClient(…)` or `createCluster(…)`. */
export interface NodeRedisClient {
  readonly isOpen: boolean
  duplicate(...overrides: never[]): unknown
}

/** A client of ioredis or node-redis, single or Cluster. It is duplicated, never changed, and need not be connected. */
export type RedisClient = IoredisClient | NodeRedisClient

/** A connection of our own, with our settings. It has one interface for both libraries. */
export interface RedisLink {
  /** True: all keys of one call must share a hash tag. */
  readonly isCluster: boolean
  /** Resolves when the connection can be used for the first time. */
  readonly ready: Promise<void>
  readonly usable: () => boolean
  /** The last error of the connection itself, such as a wrong password. */
  readonly lastError: () => Error | undefined
  evalsha(sha: string, keys: string[], values: string[]): Promise<unknown>
  evaluate(text: string, keys: string[], values: string[]): Promise<unknown>
  /** Closes the connection at once; waiting calls are rejected. */
  close(): void
}
