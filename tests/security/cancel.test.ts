import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { afterFile } from '../setup/after-file.ts'
import { TcpProxy } from '../setup/tcp-proxy.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants
let pool: TenantPool

beforeAll(async () => {
  two = await createTwoTenants()
  pool = two.pool()
  afterFile(() => pool.end())
})

const slow = (signal: AbortSignal, from: TenantPool = pool) =>
  from.query(Object.assign({ text: 'select pg_sleep(10)' }, { signal }))

/** Whether the server runs the slow statement on this connection. */
async function isSleeping(pid: number): Promise<boolean> {
  const { rows } = await two.database.admin(
    "select 1 from pg_stat_activity where pid = $1 and state = 'active' and query ~ 'pg_sleep'",
    [pid],
  )
  return rows.length === 1
}

describe('an AbortSignal', () => {
  it('stops the statement on the server, and the connection goes on', async () => {
    const pid = (await two.as(two.a, () => pool.query('select pg_backend_pid() as pid'))).rows[0].pid
    const controller = new AbortController()
    const running = two.as(two.a, () => slow(controller.signal))
    await expect.poll(() => isSleeping(pid), { timeout: 20_000 }).toBe(true)
    controller.abort(new Error('the client went away'))
    await expect(running).rejects.toThrow('the client went away')
    const next = await two.as(two.b, () => pool.query('select pg_backend_pid() as pid'))
    expect(next.rows[0].pid).toBe(pid)
    const { rows } = await two.database.admin(
      "select count(*)::int as n from pg_stat_activity where query like '%pg_sleep(10)%' and state = 'active' and pid <> pg_backend_pid()",
    )
    expect(rows).toEqual([{ n: 0 }])
  })

  it('that has fired already, or fires while the query waits, sends nothing', async () => {
    await expect(two.as(two.a, () => slow(AbortSignal.abort(new Error('early'))))).rejects.toThrow('early')
    const blocker = await two.as(two.b, () => pool.connect())
    const controller = new AbortController()
    const waiting = two.as(two.a, () => slow(controller.signal))
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    blocker.release()
    expect((await two.as(two.a, () => pool.query('select 1 as n'))).rows).toEqual([{ n: 1 }])
  })

  it('never hits the next tenant: it waits until the request was delivered', async () => {
    const proxy = await TcpProxy.start(two.database.appUrl)
    const through = two.pool({ connectionString: proxy.url })
    await two.as(two.a, () => through.query('select 1'))
    for (let round = 0; round < 15; round++) {
      const controller = new AbortController()
      // The statement ends by itself at about the moment at which the request arrives.
      const running = two.as(two.a, () =>
        through.query(Object.assign({ text: 'select pg_sleep(0.02)' }, { signal: controller.signal })),
      )
      const ended = running.catch(() => {})
      await sleep(12 + (round % 8))
      proxy.faults.delayMs = 5
      controller.abort()
      const next = await two.as(two.b, () => through.query('select pg_sleep(0.02), tenant_id from documents'))
      expect(next.rows[0].tenant_id).toBe(two.b.id)
      await ended
      proxy.faults.delayMs = 0
    }
    await through.end()
    await proxy.stop()
  })

  it('destroys the connection where it is unknown whether the request arrived', async () => {
    const proxy = await TcpProxy.start(two.database.appUrl)
    const through = two.pool({ connectionString: proxy.url })
    const pid = (await two.as(two.a, () => through.query('select pg_backend_pid() as pid'))).rows[0].pid
    const controller = new AbortController()
    const running = two.as(two.a, () => slow(controller.signal, through)).catch(() => {})
    await expect.poll(() => isSleeping(pid), { timeout: 20_000 }).toBe(true)
    proxy.refuseNew = true
    controller.abort()
    await expect.poll(() => proxy.refused, { timeout: 20_000 }).toBeGreaterThan(0)
    proxy.refuseNew = false
    await two.database.admin('select pg_cancel_backend($1)', [pid])
    await running
    const next = await two.as(two.b, () => through.query('select pg_backend_pid() as pid'))
    expect(next.rows[0].pid).not.toBe(pid)
    await through.end()
    await proxy.stop()
  })

  it('inside a checked-out client leaves the next statement alone', async () => {
    await two.as(two.a, async () => {
      const client = await pool.connect()
      for (let round = 0; round < 10; round++) {
        const controller = new AbortController()
        const running = client
          .query(Object.assign({ text: 'select pg_sleep(0.01)' }, { signal: controller.signal }))
          .catch(() => {})
        await sleep(6 + (round % 6))
        controller.abort()
        await running
        expect((await client.query('select pg_sleep(0.01), 1 as n')).rows[0].n).toBe(1)
      }
      client.release()
    })
  })
})

describe('a read time-out', () => {
  it('destroys the connection, and stops the statement', async () => {
    const pid = (await two.as(two.a, () => pool.query('select pg_backend_pid() as pid'))).rows[0].pid
    const timed = Object.assign({ text: 'select pg_sleep(10)' }, { query_timeout: 40 })
    await expect(two.as(two.a, () => pool.query(timed))).rejects.toThrow('Query read timeout')
    const next = await two.as(two.b, () => pool.query('select pg_backend_pid() as pid'))
    expect(next.rows[0].pid).not.toBe(pid)
    await expect
      .poll(
        async () =>
          (await two.database.admin('select count(*)::int as n from pg_stat_activity where pid = $1', [pid])).rows[0].n,
      )
      .toBe(0)
  })
})
