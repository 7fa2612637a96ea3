// One tenant asks for many small rows. While partywall parses them, the statements of other tenants must be sent and answered.
import pg from 'pg'
import { beforeAll, expect, it } from 'vitest'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

/** Node reads a socket in chunks of at most this size. */
const CHUNK_BYTES = 65_536
/** Kind, length, number of columns, length of the value and six digits. */
const ROW_BYTES = 17

let two: TwoTenants
beforeAll(async () => {
  two = await createTwoTenants()
})

it('parses at most three chunks of an answer in one turn of the event loop', async () => {
  const pool = two.pool({ max: 1 })
  let rowsOfTurn = 0
  let largest = 0
  let turning = true
  const nextTurn = (): void => {
    largest = Math.max(largest, rowsOfTurn)
    rowsOfTurn = 0
    if (turning) setImmediate(nextTurn)
  }
  const query = new pg.Query('select generate_series(100001, 500000)')
  let rows = 0
  query.on('row', () => {
    // The first row waits until the server has filled the buffers of the socket, so that a turn could read more.
    if (rows === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
    rows++
    rowsOfTurn++
  })
  setImmediate(nextTurn)
  await two.as(two.a, async () => {
    const ended = new Promise((resolve, reject) => query.on('end', resolve).on('error', reject))
    Reflect.apply(pool.query, pool, [query])
    await ended
  })
  turning = false
  expect(rows).toBe(400_000)
  expect(largest).toBeLessThan((3 * CHUNK_BYTES) / ROW_BYTES)
  await pool.close()
})
