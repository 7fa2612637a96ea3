// What wall.drivers.slonik() does beside the conformance suite.
import * as slonik from 'slonik'
import { beforeAll, describe, expect, it } from 'vitest'
import { createTenantDrivers } from '../../../src/database/drivers/tenant-drivers.ts'
import type { TenantPool } from '../../../src/database/pool/create-tenant-pool.ts'
import { afterFile } from '../../setup/after-file.ts'
import { createTwoTenants, type TwoTenants } from '../../setup/two-tenants.ts'

let two: TwoTenants
let pool: TenantPool
let db: slonik.DatabasePool
beforeAll(async () => {
  two = await createTwoTenants()
  pool = two.pool({ max: 1 })
  db = await slonik.createPool('postgres://', createTenantDrivers(pool).slonik({ errors: slonik }))
  afterFile(async () => {
    await db.end()
    await pool.end()
  })
})

describe('Slonik on a pool of one connection', () => {
  it('reads its types before it takes the connection', async () => {
    const ask = () =>
      db.one(slonik.sql.unsafe`select tenant_id, now() as at, array[1, 2]::int8[] as many from documents`)
    const rows = await Promise.all([two.as(two.a, ask), two.as(two.b, ask)])
    expect(rows.map((row) => row.tenant_id)).toEqual([two.a.id, two.b.id])
    // Slonik reads a timestamp as a number, and int8 as a bigint.
    expect(rows[0]).toMatchObject({ at: expect.any(Number), many: [1n, 2n] })
  })

  it('gives errors of the database as Slonik’s own classes', async () => {
    const twice = () =>
      db.query(slonik.sql.unsafe`insert into projects (id, name) select id, 'again' from projects limit 1`)
    await expect(two.as(two.a, twice)).rejects.toBeInstanceOf(slonik.UniqueIntegrityConstraintViolationError)
    const cast = () => db.query(slonik.sql.unsafe`select 'x'::uuid`)
    await expect(two.as(two.a, cast)).rejects.toBeInstanceOf(slonik.InvalidInputError)
  })

  it('holds no connection between its uses, and says that stream() needs pg-query-stream', async () => {
    // A connection that comes back may first register a ticket.
    await expect.poll(() => [pool.totalCount, pool.idleCount]).toEqual([1, 1])
    const stream = () => db.stream(slonik.sql.unsafe`select 1`, () => {})
    await expect(two.as(two.a, stream)).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
    expect((await two.as(two.a, () => pool.query('select 1'))).rows).toHaveLength(1)
  })
})
