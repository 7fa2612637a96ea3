import type { CacheStore } from 'partywall/cache'

/** The parts of pg-boss that the page uses. */
interface Boss {
  send(queue: string, data: { readonly envelope: string }): Promise<unknown>
  work(
    queue: string,
    handler: (jobs: readonly [{ readonly data: { readonly envelope: string } }]) => Promise<unknown>,
  ): Promise<unknown>
}

declare global {
  const boss: Boss
  const redis: CacheStore
  const entities: unknown[]
  const DataSource: new (options: unknown) => unknown
  const MikroORM: { init(options: unknown): Promise<unknown> }
  const drizzle: typeof import('drizzle-orm/node-postgres').drizzle
  const Cache: typeof import('drizzle-orm/cache/core').Cache
  const loadDocuments: (ids: readonly string[]) => Promise<unknown[]>
}
