import pg from 'pg'
import type { TenantPool } from '../pool/create-tenant-pool.ts'

/**
 * The client class of `pool` for libraries that make their own pools. Each client connects to the database of `pool`, whatever connection
 * the library asks for. So the options of the library need no password.
 *
 * Of the library's options only `types` is used, because the library reads values with its own parsers.
 */
export function boundClientOf(pool: TenantPool): BoundClientClass {
  class BoundClient extends pool.Client {
    constructor(config?: unknown) {
      const types = typesIn(config)
      // pg-pool hides the password from enumeration.
      const { password } = pool.options
      super({
        ...pool.options,
        ...(password === undefined ? {} : { password }),
        ...(types === undefined ? {} : { types }),
      })
    }
  }
  return BoundClient
}

function typesIn(config: unknown): pg.CustomTypesConfig | undefined {
  if (typeof config !== 'object' || config === null) return undefined
  const types: unknown = Reflect.get(config, 'types')
  const isReader = typeof types === 'object' && types !== null && 'getTypeParser' in types
  // The library made this object for pg, which calls only getTypeParser().
  return isReader ? (types as pg.CustomTypesConfig) : undefined
}

/** A client class that takes the configuration of any library. */
export type BoundClientClass = new (config?: unknown) => pg.Client

/**
 * The module `pg` with other classes, for libraries that take a driver module.
 *
 * `native` is undefined, so that no library chooses pg-native, which can't carry the tenant's context.
 */
export function driverModule(classes: {
  readonly Client: BoundClientClass
  readonly Pool: new (options?: pg.PoolConfig) => pg.Pool
}): DriverModule {
  const { types, defaults, DatabaseError, TypeOverrides, escapeIdentifier, escapeLiteral } = pg
  return {
    types,
    defaults,
    DatabaseError,
    TypeOverrides,
    escapeIdentifier,
    escapeLiteral,
    ...classes,
    native: undefined,
  }
}

/** What libraries read from the module `pg`. */
export interface DriverModule
  extends Pick<
    typeof pg,
    'types' | 'defaults' | 'DatabaseError' | 'TypeOverrides' | 'escapeIdentifier' | 'escapeLiteral'
  > {
  readonly Client: BoundClientClass
  readonly Pool: new (options?: pg.PoolConfig) => pg.Pool
  readonly native: undefined
}
