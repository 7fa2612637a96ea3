// A connection goes straight from one statement to the next that waits. Whoever watches the pool sees what pg-pool would show.
import type pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants

beforeAll(async () => {
  two = await createTwoTenants()
})

const own = (n: number) => (n % 2 === 0 ? two.a : two.b)

/** Many statements of both tenants at once; each must see its own rows. */
async function crowd(pool: TenantPool, size: number): Promise<number[]> {
  const pids = await Promise.all(
    Array.from({ length: size }, (_, n) =>
      two.as(own(n), async () => {
        const { rows } = await pool.query('select tenant_id, pg_backend_pid() as pid from documents')
        expect(rows).toMatchObject([{ tenant_id: own(n).id }])
        return rows[0].pid
      }),
    ),
  )
  return pids
}

describe('a connection that others wait for', () => {
  it('is acquired and released once for each statement, in turn', () =>
    two.withPool({ max: 1 }, async (pool) => {
      const seen: string[] = []
      pool.on('acquire', (client: pg.PoolClient) => seen.push(client instanceof pool.Client ? 'acquire' : 'unknown'))
      pool.on('release', (error: Error | undefined) => seen.push(error === undefined ? 'release' : 'error'))
      await crowd(pool, 40)
      expect(seen).toEqual(Array.from({ length: 40 }, () => ['acquire', 'release']).flat())
      expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([1, 1, 0])
    }))

  it('is counted as waited for until the last has it', () =>
    two.withPool({ max: 2 }, async (pool) => {
      const all = crowd(pool, 20)
      expect(pool.waitingCount).toBe(18)
      await all
      expect(pool.waitingCount).toBe(0)
    }))

  it('is used maxUses times and not more', () =>
    two.withPool({ max: 1, maxUses: 3 }, async (pool) => {
      const uses = new Map<number, number>()
      for (const pid of await crowd(pool, 12)) uses.set(pid, (uses.get(pid) ?? 0) + 1)
      expect([...uses.values()]).toEqual([3, 3, 3, 3])
    }))

  it('is closed when its lifetime is over, however many wait', () =>
    two.withPool({ max: 1, maxLifetimeSeconds: 1 }, async (pool) => {
      const pids = new Set<number>()
      const end = Date.now() + 5_000
      // Each caller asks again at once, so that somebody waits all the time.
      const callers = Array.from({ length: 4 }, (_, n) =>
        two.as(own(n), async () => {
          while (pids.size < 2 && Date.now() < end)
            pids.add((await pool.query('select pg_backend_pid() as pid')).rows[0].pid)
        }),
      )
      await Promise.all(callers)
      expect(pids.size).toBe(2)
    }))

  it('is closed when it was idle for long, after it was handed on', () =>
    two.withPool({ max: 1, idleTimeoutMillis: 50 }, async (pool) => {
      await crowd(pool, 10)
      expect(pool.totalCount).toBe(1)
      await expect.poll(() => pool.totalCount, { timeout: 5_000 }).toBe(0)
    }))

  it('comes to connect() in its turn, among statements that never end', () =>
    two.withPool({ max: 2 }, async (pool) => {
      let stop = false
      const busy = Array.from({ length: 8 }, (_, n) =>
        two.as(own(n), async () => {
          while (!stop) await pool.query('select 1')
        }),
      )
      for (let time = 0; time < 10; time++) {
        const client = await two.as(two.b, () => pool.connect())
        const { rows } = await two.as(two.b, () => client.query('select tenant_id from documents'))
        expect(rows).toEqual([{ tenant_id: two.b.id }])
        client.release()
        await new Promise<void>((resolve, reject) => {
          two.as(two.a, () =>
            pool.connect((error, _client, done) => {
              done()
              if (error) reject(error)
              else resolve()
            }),
          )
        })
      }
      stop = true
      await Promise.all(busy)
    }))

  it('is not handed on by thousands of callbacks inside each other', () =>
    two.withPool({ max: 1 }, async (pool) => {
      let released = 0
      await new Promise<void>((resolve, reject) => {
        for (let n = 0; n < 5_000; n++) {
          two.as(own(n), () =>
            pool.connect((error, _client, done) => {
              done()
              if (error) reject(error)
              else if (++released === 5_000) resolve()
            }),
          )
        }
      })
    }))

  it('is closed and not handed on after it was released with an error, or ended by its holder', () =>
    two.withPool({ max: 1 }, async (pool) => {
      for (const leave of [
        (client: pg.PoolClient) => client.release(true),
        (client: pg.PoolClient) => {
          void (client as unknown as { end(): Promise<void> }).end()
          client.release()
        },
      ]) {
        const client = await two.as(two.a, () => pool.connect())
        const { rows } = await two.as(two.a, () => client.query('select pg_backend_pid() as pid'))
        const waiting = crowd(pool, 4)
        leave(client)
        expect(await waiting).not.toContain(rows[0].pid)
      }
    }))

  it('gives those who wait the error of a pool that ends, and ends', () =>
    two.withPool({ max: 1 }, async (pool) => {
      const all = Promise.allSettled(
        Array.from({ length: 5 }, (_, n) => two.as(own(n), () => pool.query('select 1 as n'))),
      )
      const ended = pool.end()
      const [first, ...rest] = await all
      await ended
      expect(first?.status).toBe('fulfilled')
      for (const each of rest) expect(each.status).toBe('rejected')
      expect(pool.totalCount).toBe(0)
    }))

  it('stays with the pool where a caller’s callback throws', () =>
    two.withPool({ max: 1 }, async (pool) => {
      const thrown: unknown[] = []
      const before = process.listeners('uncaughtException')
      process.removeAllListeners('uncaughtException')
      process.on('uncaughtException', (error) => thrown.push(error.message))
      try {
        const first = two.as(two.a, () => pool.query('select pg_backend_pid() as pid'))
        two.as(two.b, () =>
          pool.connect((_error, _client, done) => {
            done()
            throw new Error('of the caller')
          }),
        )
        const { rows } = await first
        expect((await two.as(two.a, () => pool.query('select pg_backend_pid() as pid'))).rows).toEqual(rows)
        await expect.poll(() => thrown).toEqual(['of the caller'])
      } finally {
        process.removeAllListeners('uncaughtException')
        for (const listener of before) process.on('uncaughtException', listener)
      }
    }))
})
