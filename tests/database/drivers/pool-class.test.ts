// wall.Pool: what a library that makes its own pool can and can't do to the pool that all of the application uses.
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { poolClassOf, type TenantPoolClass } from '../../../src/database/drivers/pool-class.ts'
import type { TenantPool } from '../../../src/database/pool/create-tenant-pool.ts'
import { afterFile } from '../../setup/after-file.ts'
import { createTwoTenants, type TwoTenants } from '../../setup/two-tenants.ts'

let two: TwoTenants
let pool: TenantPool
let Pool: TenantPoolClass

beforeAll(async () => {
  two = await createTwoTenants()
  pool = two.pool({ max: 2 })
  Pool = poolClassOf(pool)
  afterFile(() => pool.end())
})

const TITLES = 'select title from documents'

describe('wall.Pool', () => {
  it('gives a pg.Pool whose statements belong to the tenant of their context', async () => {
    const library = new Pool({ max: 50 })
    expect(library).toBeInstanceOf(pg.Pool)
    expect(library.constructor.name).toBe('Pool')
    const { rows } = await two.as(two.a, () => library.query('select tenant_id from documents'))
    expect(rows).toEqual([{ tenant_id: two.a.id }])
    await expect(library.query(TITLES)).rejects.toMatchObject({ code: 'PARTYWALL_CONTEXT_MISSING' })
  })

  it('shares the connections of the wall’s pool, so the library gets no more of them than the pool has', async () => {
    const library = new Pool({ max: 50 })
    const [first, second] = await Promise.all([
      two.as(two.a, () => library.connect()),
      two.as(two.b, () => pool.connect()),
    ])
    expect([library.totalCount, library.idleCount, pool.totalCount]).toEqual([2, 0, 2])
    first.release()
    second.release()
  })

  it('lets a library end its own pool alone', async () => {
    const library = new Pool()
    const other = new Pool()
    const heard: unknown[] = []
    library.on('acquire', () => void heard.push('library'))
    await two.as(two.a, () => library.query(TITLES))
    expect(heard).toEqual(['library'])
    await library.end()
    expect([library.ending, library.ended, other.ended, pool.ended]).toEqual([true, true, false, false])
    await expect(two.as(two.a, () => library.query(TITLES))).rejects.toThrow('after calling end')
    const answered = new Promise((resolve) => library.connect((error) => resolve(error)))
    expect(await answered).toBeInstanceOf(Error)
    expect((await two.as(two.a, () => other.query(TITLES))).rows).toHaveLength(1)
    expect(heard).toEqual(['library']) // its listeners went with it
  })

  it('lets a library change its own pool alone: methods, listeners, close()', async () => {
    const library = new Pool()
    const before = pool.listenerCount('error')
    const own = () => {}
    pool.on('error', own)
    library.on('error', () => {})
    library.removeAllListeners()
    library.removeAllListeners('error')
    expect(pool.listenerCount('error')).toBe(before + 1)
    pool.off('error', own)
    const replacement = () => Promise.reject(new Error('of the library'))
    library.query = replacement as never
    expect(library.query).toBe(replacement)
    Object.defineProperty(library, 'connect', { value: replacement })
    expect(library.connect).toBe(replacement)
    expect(Reflect.setPrototypeOf(library, {})).toBe(false)
    expect((await two.as(two.a, () => pool.query(TITLES))).rows).toHaveLength(1)
    const client = await two.as(two.a, () => pool.connect())
    client.release()
    await Reflect.get(library, 'close')()
    expect([library.ended, pool.ended]).toEqual([true, false])
  })

  it('calls the callback of end()', async () => {
    await new Promise<void>((resolve) => void new Pool().end(() => resolve()))
  })

  it('takes the connection of the wall if the library names it, and refuses another database', () => {
    const { database } = two
    expect(() => new Pool({ connectionString: database.appUrl })).not.toThrow()
    const elsewhere: pg.PoolConfig[] = [
      { connectionString: database.adminUrl },
      { connectionString: database.appUrl.replace(/\/[^/]*$/, '/postgres') },
      { host: 'elsewhere.example' },
      { database: 'postgres' },
      { user: 'postgres' },
    ]
    for (const options of elsewhere)
      expect(() => new Pool(options)).toThrow(expect.objectContaining({ code: 'PARTYWALL_CONFIGURATION' }))
  })
})
