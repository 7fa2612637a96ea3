// Options of wall.drivers that the conformance suite does not notice.
import { QueryTypes, Sequelize } from 'sequelize'
import { DataSource, EntitySchema, type ObjectLiteral } from 'typeorm'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithoutTenant } from '../../../src/context/run-with-tenant.ts'
import { createTenantDrivers, type TenantDrivers } from '../../../src/database/drivers/tenant-drivers.ts'
import { afterFile } from '../../setup/after-file.ts'
import { createTwoTenants, type TwoTenants } from '../../setup/two-tenants.ts'

let two: TwoTenants
let drivers: TenantDrivers
beforeAll(async () => {
  two = await createTwoTenants()
  const pool = two.pool({ max: 2 })
  drivers = createTenantDrivers(pool)
  afterFile(() => pool.end())
})

describe('wall.drivers.typeorm()', () => {
  it('installs no extension, which the role of the application may not do', async () => {
    const logged: unknown[] = []
    const note = (...values: unknown[]) => void logged.push(values)
    const Document = new EntitySchema<ObjectLiteral>({
      name: 'documents',
      columns: { id: { type: 'uuid', primary: true, generated: 'uuid' }, title: { type: 'text' } },
    })
    const logger = {
      log: note,
      logQuery: () => {},
      logQueryError: note,
      logQuerySlow: note,
      logSchemaBuild: note,
      logMigration: note,
    }
    const source = new DataSource(drivers.typeorm({ entities: [Document], logger }))
    await runWithoutTenant(() => source.initialize())
    expect(logged).toEqual([])
    await source.destroy()
  })
})

describe('wall.drivers.sequelize()', () => {
  it('reads values by the parsers of Sequelize', async () => {
    const db = new Sequelize({ ...drivers.sequelize(), logging: false })
    const text = "select '2026-01-02'::date as day, array['2026-01-02'::date] as days"
    const rows = await two.as(two.a, () => db.query(text, { type: QueryTypes.SELECT }))
    // pg reads a date as a Date at midnight of the process's time zone.
    expect(rows).toEqual([{ day: '2026-01-02', days: ['2026-01-02'] }])
    await db.close()
  })
})
