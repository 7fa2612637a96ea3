import { NotFoundError, type Partywall } from 'partywall'
import type { TenantAwareRepository } from 'partywall/repository'
import type { Rows } from '../../examples/express-api/rows.ts'

/**
 * A repository without a tenant filter, for the demo's `--without repository-filter`. It reads and removes a row by its id alone, so
 * only row-level security separates two tenants.
 */
export function unfilteredRows<Row extends object>(
  wall: Partywall,
  table: string,
  filtered: TenantAwareRepository<Row>,
): Rows<Row> {
  return {
    async findById(id) {
      if (!/^[0-9a-f-]{36}$/i.test(id)) return undefined
      const { rows } = await wall.pool.query<Row>(`select * from ${table} where id = $1`, [id])
      return rows[0]
    },
    async delete(id) {
      const { rowCount } = await wall.pool.query(`delete from ${table} where id = $1`, [id])
      if (rowCount === 0) throw new NotFoundError('There is no such row.')
    },
    findPage: (options) => filtered.findPage(options),
    count: (options) => filtered.count(options),
    create: (data) => filtered.create(data),
    createMany: (data) => filtered.createMany(data),
    update: (id, changes) => filtered.update(id, changes),
  }
}
