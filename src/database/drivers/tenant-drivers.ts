import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { mikroCache } from '../../cache/hooks/mikro.ts'
import { isTenantHook } from '../../cache/hooks/tenant-hook.ts'
import { memoryStore } from '../../cache/store.ts'
import { createTenantCache } from '../../cache/tenant-cache.ts'
import { ConfigurationError } from '../../errors.ts'
import type { TenantPool } from '../pool/create-tenant-pool.ts'
import { WalledPool } from '../pool/walled-pool.ts'
import { type BoundClientClass, boundClientOf, type DriverModule, driverModule } from './bound-client.ts'
import { type KnexPool, knexPoolOn } from './knex-pool.ts'
import { poolClassOf } from './pool-class.ts'
import { refuseEarly } from './refuse-early.ts'
import { type SlonikDriverFactory, type SlonikParts, slonikDriverOn } from './slonik-driver.ts'

/**
 * The options with which ORMs and drivers use a tenant pool. Each method returns an object for the library's own constructor.
 *
 * TypeORM, Knex and Slonik share the connections of the pool. Sequelize, MikroORM and pg-promise make pools of their own, with the client
 * class of the tenant pool: each statement belongs to its tenant as on the pool, but `perTenantConnections` does not apply there.
 */
export interface TenantDrivers {
  /**
   * TypeORM: `new DataSource({ ...wall.drivers.typeorm(), entities })`. Call `initialize()` inside `runWithoutTenant()`.
   *
   * `installExtensions` is off: the role of the application may not create extensions.
   */
  typeorm(): TypeormOptions
  /** @param options the application's own options; a result cache that does not know tenants causes a warning in the log */
  typeorm<Options extends object>(options: Options & { readonly cache?: unknown }): Options & TypeormOptions
  /** Knex and Objection: `knex(wall.drivers.knex())`. */
  knex(): { readonly client: 'pg'; readonly connectionPool: KnexPool }
  /**
   * Sequelize 6: `new Sequelize(wall.drivers.sequelize())`.
   *
   * Three of the options keep Sequelize from changing the session when it connects. A sealed pool refuses such changes.
   */
  sequelize(): SequelizeOptions
  /**
   * MikroORM 7: `MikroORM.init({ ...wall.drivers.mikro(), entities })`.
   *
   * The result cache is in memory and keeps tenants apart; see `mikroCache` for another store.
   */
  mikro(): MikroOptions
  /**
   * Slonik: `createPool('postgres://', wall.drivers.slonik({ errors: slonik, QueryStream }))`. The connection string is not used.
   *
   * @param parts see {@link SlonikParts}; without `QueryStream`, `stream()` throws
   */
  slonik(parts?: SlonikParts): {
    readonly driverFactory: SlonikDriverFactory
    readonly maximumPoolSize: number
  }
  /** pg-promise: `pgp(wall.drivers.pgPromise())`. */
  pgPromise(): { readonly Client: PgPromiseClientClass; readonly max: number }
}

/** pg-promise declares members of a client that pg does not declare. At run time these members exist, and `never` is assignable to them. */
type PgPromiseClientClass = new (config?: unknown) => never

interface TypeormOptions {
  readonly type: 'postgres'
  readonly driver: DriverModule
  readonly installExtensions: false
}

interface SequelizeOptions {
  readonly dialect: 'postgres'
  readonly dialectModule: DriverModule
  readonly standardConformingStrings: false
  readonly keepDefaultTimezone: true
  readonly dialectOptions: { readonly clientMinMessages: 'ignore' }
  readonly pool: { readonly max: number }
}

interface MikroOptions {
  readonly dbName: string
  readonly resultCache: ReturnType<typeof mikroCache>
  readonly driverOptions: {
    readonly Client: BoundClientClass
    readonly max: number
    readonly onPoolCreated: (made: pg.Pool) => void
  }
}

/**
 * Makes {@link TenantDrivers} for a pool. `wall.drivers` are those of `wall.pool`.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` for a pool that `createTenantPool` did not make
 */
export function createTenantDrivers(pool: TenantPool): TenantDrivers {
  if (!(pool instanceof WalledPool))
    throw new ConfigurationError('createTenantDrivers(pool): pool must be a pool of createTenantPool().')
  const { settings } = pool
  const max = pool.options.max || 10
  const ownCache = () => {
    // The cache is in the memory of this process, so nobody else needs the key.
    const secret = randomBytes(32)
    return mikroCache(createTenantCache(memoryStore(), { keys: async () => [secret], events: settings.events }))
  }
  const module = (): DriverModule => driverModule({ Client: boundClientOf(pool), Pool: poolClassOf(pool) })
  return Object.freeze<TenantDrivers>({
    typeorm<Options extends object>(options?: Options & { readonly cache?: unknown }): Options & TypeormOptions {
      if (options?.cache && !isTenantHook(options.cache))
        settings.logger.warn(
          { setting: 'cache' },
          'The result cache of TypeORM knows a result by its SQL, which is equal for all tenants: a tenant can read the rows of another. Use cache: typeormCache(wall.tenantCache(store)) of partywall/cache.',
        )
      // Without `options`, the result has only the options of the driver.
      return { ...options, type: 'postgres', driver: module(), installExtensions: false } as Options & TypeormOptions
    },
    knex: () => ({ client: 'pg', connectionPool: knexPoolOn(pool) }),
    sequelize: () => ({
      dialect: 'postgres',
      dialectModule: module(),
      standardConformingStrings: false,
      keepDefaultTimezone: true,
      dialectOptions: { clientMinMessages: 'ignore' },
      pool: { max },
    }),
    // MikroORM requires `dbName`, but the client does not use it.
    mikro: () => ({
      dbName: 'postgres',
      resultCache: ownCache(),
      driverOptions: { Client: boundClientOf(pool), max, onPoolCreated: (made) => refuseEarly(made, settings) },
    }),
    slonik: (parts = {}) => ({
      driverFactory: slonikDriverOn(pool, parts),
      maximumPoolSize: max,
    }),
    pgPromise: () => ({ Client: boundClientOf(pool) as PgPromiseClientClass, max }),
  })
}
