// The columns of a prepared statement are asked for once per connection; the answers are those of pg all the same.
import type pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { untilTicketsKnown } from '../setup/known-tickets.ts'
import { TcpProxy } from '../setup/tcp-proxy.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants
let proxy: TcpProxy & { url: string }
let pool: TenantPool

beforeAll(async () => {
  two = await createTwoTenants()
  proxy = await TcpProxy.start(two.database.appUrl)
  pool = two.pool({ connectionString: proxy.url, max: 1 })
  await untilTicketsKnown(pool, [two.a, two.b])
  return async () => {
    await pool.end()
    await proxy.stop()
  }
})

// biome-ignore lint/suspicious/noExplicitAny: rows of any statement
const ask = (config: pg.QueryConfig<any[]>) => two.as(two.a, () => pool.query(config))

describe('a named statement that a connection knows', () => {
  it('answers what the first time did, without being described again', async () => {
    const config = { name: 'all', text: "select 1 as n, 'x'::text as t, null::int as nothing, now() as at" }
    const first = await ask(config)
    proxy.reset()
    const second = await ask(config)
    expect(proxy.sequence).toBe('BEBEBES')
    expect(second.fields).toEqual(first.fields)
    expect(second.rows).toMatchObject([{ n: 1, t: 'x', nothing: null }])
    expect(second.rows[0].at).toBeInstanceOf(Date)
    expect(second).toMatchObject({ command: 'SELECT', rowCount: 1 })
  })

  it('keeps what an application does to its fields out of the next answer', async () => {
    const config = { name: 'spoilt', text: 'select 1 as n' }
    for (let time = 0; time < 3; time++) {
      const { fields, rows } = await ask(config)
      expect(rows).toEqual([{ n: 1 }])
      for (const field of fields) field.name = 'spoilt'
      fields.length = 0
    }
  })

  it('takes the row mode and the parsers of each call', async () => {
    const config = { name: 'modes', text: 'select 1 as n, 2 as m' }
    await ask(config)
    expect((await ask({ ...config, rowMode: 'array' } as pg.QueryArrayConfig)).rows).toEqual([[1, 2]])
    const asText = { getTypeParser: () => (value: unknown) => `text ${value}` }
    expect((await ask({ ...config, types: asText as unknown as pg.CustomTypesConfig })).rows).toEqual([
      { n: 'text 1', m: 'text 2' },
    ])
    expect((await ask(config)).rows).toEqual([{ n: 1, m: 2 }])
  })

  it('without rows is not described again, either', async () => {
    const config = { name: 'touch', text: "update documents set title = title where title = 'of nobody'" }
    await ask(config)
    proxy.reset()
    expect(await ask(config)).toMatchObject({ command: 'UPDATE', rowCount: 0, rows: [], fields: [] })
    expect(proxy.sequence).toBe('BEBEBES')
  })

  it('sends every kind of value as pg does', async () => {
    const text =
      'select $1::text as t, $2::int[] as list, $3::jsonb as j, $4::timestamptz as at, $5::bytea as b, $6::text as u'
    const at = new Date(0)
    for (const bytes of [null, Buffer.from([0, 255])]) {
      for (let time = 0; time < 2; time++) {
        const { rows } = await ask({ name: 'values', text, values: [null, [1, 2], { a: 'ü' }, at, bytes, 'schön 🧱'] })
        expect(rows).toEqual([{ t: null, list: [1, 2], j: { a: 'ü' }, at, b: bytes, u: 'schön 🧱' }])
      }
    }
  })

  it('asks a value for its form once, also beside a Buffer', async () => {
    let asked = 0
    const value = { toPostgres: () => `form ${++asked}` }
    for (let time = 1; time < 4; time++) {
      const text = 'select $1::text as t, $2::bytea as b, $3::text as n'
      const { rows } = await ask({ name: 'forms', text, values: [value, Buffer.from([time]), null] })
      expect(rows).toEqual([{ t: `form ${time}`, b: Buffer.from([time]), n: null }])
    }
  })

  it('fails alone where a value can not be sent', async () => {
    const config = { name: 'thrown', text: 'select $1::text as t' }
    await ask({ ...config, values: ['x'] })
    const unsendable = {
      toPostgres() {
        throw new Error('no such value')
      },
    }
    await expect(ask({ ...config, values: [unsendable] })).rejects.toThrow('no such value')
    expect((await ask({ ...config, values: ['y'] })).rows).toEqual([{ t: 'y' }])
  })

  it('is refused under another text', async () => {
    await ask({ name: 'taken', text: 'select 1 as n' })
    await expect(ask({ name: 'taken', text: 'select 2 as n' })).rejects.toThrow(/must be unique/)
  })

  it('runs inside a transaction with the context that is in force there', async () => {
    const config = { name: 'mine', text: 'select distinct tenant_id from documents' }
    for (const tenant of [two.a, two.b, two.a]) {
      await two.as(tenant, () =>
        pool.transaction(async (transaction) => {
          for (let time = 0; time < 3; time++) {
            expect((await transaction.query(config)).rows).toEqual([{ tenant_id: tenant.id }])
          }
        }),
      )
    }
  })
})

describe('a named statement whose columns can differ each time', () => {
  it('is described each time: FETCH has the columns of its cursor', async () => {
    await two.as(two.a, () =>
      pool.transaction(async (tx) => {
        for (const column of ['first', 'second', 'third']) {
          const value = column === 'second' ? 'x' : 2
          await tx.query(`declare mine cursor for select 1 as ${column}, ${value === 2 ? 2 : "'x'"} as other`)
          expect((await tx.query({ name: 'fetch', text: 'fetch all from mine' })).rows).toEqual([
            { [column]: 1, other: value },
          ])
          await tx.query('close mine')
        }
      }),
    )
  })
})
