import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type pg from 'pg'
import { packageRoot } from '../../src/config/package-root.ts'
import { runWithoutTenant } from '../../src/context/run-with-tenant.ts'
import type { OrmReads } from './orm-sides.ts'

/** The parts of TypeORM that the bench uses; it is a package of tests/orms/libraries. */
interface Repository {
  find(options: object): Promise<readonly unknown[]>
}
interface Manager {
  getRepository(name: string): Repository
  query(text: string, values: unknown[]): Promise<unknown>
}
interface DataSource {
  readonly manager: Manager & { transaction<T>(fn: (manager: Manager) => Promise<T>): Promise<T> }
  initialize(): Promise<unknown>
  destroy(): Promise<void>
}
interface Typeorm {
  readonly DataSource: new (options: object) => DataSource
  readonly EntitySchema: new (options: object) => object
}

function load(): Typeorm {
  const folder = join(packageRoot(), 'tests', 'orms', 'libraries')
  if (!existsSync(join(folder, 'node_modules', 'typeorm')))
    throw new Error('TypeORM is not installed. Run once: npm ci --prefix tests/orms/libraries --ignore-scripts')
  return createRequire(join(folder, 'package.json'))('typeorm')
}

const entities = ({ EntitySchema }: Typeorm) =>
  ['plain', 'walled', 'sealed'].map(
    (name) =>
      new EntitySchema({
        name,
        columns: {
          tenant_id: { type: 'uuid', primary: true },
          id: { type: 'integer', primary: true },
          title: { type: 'text' },
          body: { type: 'text' },
        },
      }),
  )
const query = (manager: Manager, table: string, tenant_id: string, id: number) =>
  manager.getRepository(table).find({ where: { tenant_id, id }, select: { id: true, title: true, body: true } })

async function unprotected(pool: pg.Pool): Promise<DataSource> {
  const library = load()
  const { connectionString, max } = pool.options
  const source = new library.DataSource({
    type: 'postgres',
    url: connectionString,
    poolSize: max,
    entities: entities(library),
  })
  await source.initialize()
  return source
}

export const typeorm: OrmReads = {
  orm: 'TypeORM',
  async unprotected(pool) {
    const source = await unprotected(pool)
    return { read: (tenantId, id) => query(source.manager, 'plain', tenantId, id), close: () => source.destroy() }
  },
  async sealed(_pool, drivers) {
    const library = load()
    const source = new library.DataSource({ ...drivers.typeorm(), entities: entities(library) })
    await runWithoutTenant(() => source.initialize())
    return { read: (tenantId, id) => query(source.manager, 'sealed', tenantId, id), close: () => source.destroy() }
  },
  async usual(pool) {
    const source = await unprotected(pool)
    return {
      read: (tenantId, id) =>
        source.manager.transaction(async (transaction) => {
          await transaction.query(
            "select set_config('role', 'tenant_user', true), set_config('app.current_tenant_id', $1, true)",
            [tenantId],
          )
          return query(transaction, 'walled', tenantId, id)
        }),
      close: () => source.destroy(),
    }
  },
}
