// No answer of the database and no argument of query() may end the process or harm another statement.
import pg from 'pg'
import Cursor from 'pg-cursor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TenantPool } from '../../src/database/index.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants
const uncaught: unknown[] = []
const note = (error: unknown) => void uncaught.push(error)
beforeAll(async () => {
  two = await createTwoTenants()
  process.prependListener('uncaughtException', note)
  return () => process.off('uncaughtException', note)
})
afterAll(() => expect(uncaught).toEqual([]))

async function neighbourIsServed(pool: TenantPool): Promise<void> {
  const { rows } = await two.as(two.b, () => pool.query('select 1 as n'))
  expect(rows).toEqual([{ n: 1 }])
}

describe('an answer that is too large', () => {
  it.each([
    ['one value of 600 MB', "select repeat(repeat('x', 1000), 600000)"],
    ['an error that quotes a large value', "select repeat(repeat('x', 1000), 70000)::int"],
    ['many rows', "select repeat('x', 1000000) from generate_series(1, 100)"],
    ['a named statement', { name: 'big', text: "select repeat(repeat('x', 1000), 70000)" }],
    ['a statement that is prepared once', { text: "select repeat(repeat('x', 1000), 70000)", prepare: true }],
    ['a plain pg.Query', () => new pg.Query("select repeat('x', 1000000) from generate_series(1, 100)")],
  ])('of %s loses its connection and nothing else', async (_name, asked) => {
    const pool = two.pool({ max: 2 })
    pool.on('error', () => {})
    try {
      const query = typeof asked === 'function' ? asked() : asked
      const answer = two.as(two.a, () => Reflect.apply(pool.query, pool, [query]))
      const slow = two.as(two.b, () => pool.query('select pg_sleep(0.2), 2 as n'))
      await expect(answer).rejects.toMatchObject({ code: 'PARTYWALL_RESULT_TOO_LARGE' })
      expect((await slow).rows).toMatchObject([{ n: 2 }])
      await neighbourIsServed(pool)
    } finally {
      await pool.close({ timeoutMs: 1_000 })
    }
  })

  it('is told by its size on the wire, and each row counts', async () => {
    const pool = two.pool({ max: 1, maxResultBytes: 100_000 })
    const ask = (text: string) => two.as(two.a, () => pool.query(text))
    expect((await ask("select repeat('x', 99000)")).rows).toHaveLength(1)
    await expect(ask("select repeat('x', 100000)")).rejects.toMatchObject({ code: 'PARTYWALL_RESULT_TOO_LARGE' })
    expect((await ask('select from generate_series(1, 1500)')).rows).toHaveLength(1_500)
    await expect(ask('select from generate_series(1, 1600)')).rejects.toMatchObject({
      code: 'PARTYWALL_RESULT_TOO_LARGE',
      message: expect.stringContaining('maxResultBytes'),
    })
    await pool.close({ timeoutMs: 1_000 })
  })

  it('of a cursor is bound per message', async () => {
    const pool = two.pool({ max: 1, maxResultBytes: 100_000 })
    await two.as(two.a, async () => {
      const client = await pool.connect()
      const cursor = client.query(new Cursor("select repeat('x', 50000) as x from generate_series(1, 20)"))
      let rows = 0
      for (let some = await cursor.read(2); some.length > 0; some = await cursor.read(2)) rows += some.length
      expect(rows).toBe(20)
      await cursor.close()
      const large = client.query(new Cursor("select repeat('x', 200000) as x"))
      await expect(large.read(1)).rejects.toMatchObject({ code: 'PARTYWALL_RESULT_TOO_LARGE' })
      client.release()
    })
    await neighbourIsServed(pool)
    await pool.close({ timeoutMs: 1_000 })
  })

  it('is cut off on a pipelined connection, too', async () => {
    const pool = two.pool({ max: 2, pipelinedConnections: 1 })
    const ask = () => two.as(two.a, () => pool.query("select repeat(repeat('x', 1000), 600000)"))
    await expect(ask()).rejects.toMatchObject({ code: 'PARTYWALL_RESULT_TOO_LARGE' })
    await neighbourIsServed(pool)
    await pool.close({ timeoutMs: 1_000 })
  })
})

class Hostile {
  toPostgres(): never {
    throw new Error('toPostgres')
  }
}
const circular: Record<string, unknown> = {}
circular['self'] = circular

describe('whatever query() is given', () => {
  const odd: [name: string, args: unknown[]][] = [
    ...[-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 40, '5', {}, [], true, 5n].map(
      (rows): [string, unknown[]] => [`rows: ${typeof rows} ${String(rows)}`, [{ text: 'select 1', rows }]],
    ),
    ...[5, {}, [], true, Symbol('s'), () => {}, 'a\u0000b'].map((value): [string, unknown[]] => [
      `name: ${typeof value} ${String(value)}`,
      [{ text: 'select 1', name: value }],
    ]),
    ...[5, {}, [], true, 'a\u0000b'].map((value): [string, unknown[]] => [
      `portal: ${typeof value} ${String(value)}`,
      [{ text: 'select 1', portal: value }],
    ]),
    ...[5, 'text', [{}], ['x'], [-1], [1.5], { getTypeParser: 5 }, { getTypeParser: () => 5 }].map(
      (value): [string, unknown[]] => [`types: ${JSON.stringify(value)}`, [{ text: 'select 1', types: value }]],
    ),
    ['text with NUL', ['select 1\u0000, 2']],
    ['a number as text', [{ text: 5 }]],
    ['an array as text', [{ text: ['select 1'] }]],
    ['a symbol as text', [{ text: Symbol('s') }]],
    ['nothing', [{}]],
    ['a number', [5]],
    ['a string as values', ['select 1', 'values']],
    ['an object as values', [{ text: 'select 1', values: { length: 3 } }]],
    ['more values than the protocol counts', ['select 1', Array.from({ length: 70_000 }, () => 1)]],
    ['a value that throws', ['select $1', [new Hostile()]]],
    ['a value that refers to itself', ['select $1::json', [circular]]],
    ['a bigint in a value', ['select $1::json', [{ n: 5n }]]],
    ['a symbol as value', ['select $1::text', [Symbol('s')]]],
    ['an invalid date', ['select $1::timestamptz', [new Date(Number.NaN)]]],
    ['a function as value', ['select $1::text', [() => {}]]],
    ['an object without prototype', ['select $1::json', [Object.create(null)]]],
    ['binary answers', [{ text: 'select 1::int, now(), null', binary: true }]],
    ['an unknown row mode', [{ text: 'select 1', rowMode: 'odd' }]],
    [
      'a submittable that throws',
      [
        {
          submit: () => {
            throw new Error('submit')
          },
          text: 'select 1',
          handleError(this: { callback?: (error: unknown) => void }, error: unknown) {
            this.callback?.(error)
          },
        },
      ],
    ],
  ]
  it.each(odd.map(([name, args]): (typeof odd)[number] => [printable(name), args]))(
    '%s: raises nothing uncaught and leaves the connection to others',
    async (_name, args) => {
      const pool = two.pool({ max: 1 })
      pool.on('error', () => {})
      try {
        for (const busy of [false, true]) {
          // Behind another statement it is sent in a turn of the event loop in which nobody catches.
          const before = busy ? two.as(two.b, () => pool.query('select pg_sleep(0.01)')) : undefined
          const asked = two.as(two.a, async () => Reflect.apply(pool.query, pool, args)).then(Boolean, Boolean)
          const settled = await Promise.race([
            asked,
            new Promise((resolve) => setTimeout(resolve, 5_000, 'hangs').unref()),
          ])
          expect(settled).toBe(true)
          await before
          await neighbourIsServed(pool)
        }
        await two.as(two.a, async () => {
          const client = await pool.connect()
          await client.query('begin')
          await (async () => Reflect.apply(client.query, client, args))().catch(() => {})
          client.release(true)
        })
        await neighbourIsServed(pool)
      } finally {
        await pool.close({ timeoutMs: 1_000 })
      }
      expect(uncaught).toEqual([])
    },
  )
})

/** Without control characters: a NUL in a name makes the log a binary file for grep. */
function printable(name: string): string {
  return name.replace(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
