import { type Mutant, without } from '../../mutants/mutant.ts'

/** A part of src/database/drivers or src/cache that is taken out. */
export interface OrmMutant extends Mutant {
  /** The suites that must notice it. */
  readonly suites: readonly string[]
}

const DRIVERS = 'tests/database/drivers/tenant-drivers.test.ts'
const POOL_CLASS = 'tests/database/drivers/pool-class.test.ts'
const SHARED_CACHE = 'tests/security/shared-cache.test.ts'
const DRIZZLE_CACHE = 'tests/orms/result-caches.test.ts'
const LIBRARY_CACHES = 'tests/orms/libraries/result-caches.run.ts'
const library = (name: string) => `tests/orms/libraries/${name}.run.ts`

const at =
  (file: string) =>
  (suites: readonly string[], name: string, find: string, replace = ''): OrmMutant => ({
    ...without(name, file, find, replace),
    suites,
  })

const sealed = at('cache/sealed-value.ts')
const cache = at('cache/tenant-cache.ts')
const both = [SHARED_CACHE, LIBRARY_CACHES]
const MAC = "['value', ...partsOf(subject), expiresAt, body]"
const PLACE = "hash(secret, ['key', ...partsOf(subject)])"
const TENANT_OF_PLACE = "hash(secret, ['tenant', subject.tenantId]).toString('base64url').slice(0, 16)"

const caches: readonly OrmMutant[] = [
  sealed(
    both,
    'mac',
    'if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return',
    'if (false) return',
  ),
  sealed(both, 'tenant-in-mac', MAC, "['value', subject.name, subject.userId, subject.key, expiresAt, body]"),
  sealed(both, 'key-in-mac', MAC, "['value', subject.name, subject.tenantId, subject.userId, expiresAt, body]"),
  sealed(both, 'user-in-mac', MAC, "['value', subject.name, subject.tenantId, subject.key, expiresAt, body]"),
  sealed(both, 'name-in-mac', MAC, "['value', subject.tenantId, subject.userId, subject.key, expiresAt, body]"),
  sealed(both, 'expiry-in-mac', MAC, "['value', ...partsOf(subject), body]"),
  sealed(both, 'value-in-mac', MAC, "['value', ...partsOf(subject), expiresAt]"),
  // The tenant stands in the place twice. One of the two is enough to keep tenants apart.
  {
    name: 'tenant-in-place',
    suites: both,
    edits: [
      { file: 'cache/sealed-value.ts', find: TENANT_OF_PLACE, replace: "'tenant'" },
      {
        file: 'cache/sealed-value.ts',
        find: PLACE,
        replace: "hash(secret, ['key', subject.name, subject.userId, subject.key])",
      },
    ],
  },
  sealed(both, 'user-in-place', PLACE, "hash(secret, ['key', subject.name, subject.tenantId, subject.key])"),
  sealed(both, 'key-in-place', PLACE, "hash(secret, ['key', subject.name, subject.tenantId, subject.userId])"),
  sealed(both, 'secret-of-place', PLACE, "hash(new Uint8Array(32), ['key', ...partsOf(subject)])"),
  sealed(
    both,
    'secret-of-tenants-place',
    TENANT_OF_PLACE,
    "hash(new Uint8Array(32), ['tenant', subject.tenantId]).toString('base64url').slice(0, 16)",
  ),
  sealed(both, 'lengths-of-parts', 'hmac.update(`', "hmac.update('').update(bytes) || (`"),
  sealed(both, 'expiry', "if (!(now < Number(expiresAt))) return 'expired'"),
  sealed(
    both,
    'one-text-of-a-mac',
    'const given = Buffer.from(mac)',
    "const given = Buffer.from(Buffer.from(mac, 'base64url').toString('base64url'))",
  ),
  cache(both, 'suspension', 'if (stop !== undefined) throw stop'),
  cache(both, 'report-of-forgeries', "if (opened === 'forged') report(subject, parts.events)"),
  cache(both, 'removal-of-forgeries', '      await ask(() => store.delete(place))\n'),
  cache(
    [SHARED_CACHE],
    'failing-store',
    '      return undefined\n    }\n  }\n\n  async function secret',
    '      throw error\n    }\n  }\n\n  async function secret',
  ),
  cache([SHARED_CACHE], 'size-of-values', 'if (text.length > settings.maxValueBytes) return'),
  at('cache/store.ts')([SHARED_CACHE], 'expiry-in-memory', 'if (entry.until <= Date.now()) return undefined'),
  at('cache/per-context.ts')(
    [DRIZZLE_CACHE],
    'object-of-context',
    'let own = made.get(context)',
    'let own = made.get(getCurrentTenant)',
  ),
  at('cache/per-context.ts')(
    [DRIZZLE_CACHE],
    'object-of-no-context',
    'getCurrentTenant() // an explicitly empty context has no object either',
  ),
  at('cache/hooks/drizzle.ts')(
    [DRIZZLE_CACHE],
    'changes-of-drizzle',
    'for (const table of listOf(tables)) await',
    'for (const table of listOf(undefined)) await',
  ),
  at('cache/hooks/typeorm.ts')(
    [LIBRARY_CACHES],
    'query-of-identifier',
    'saved !== undefined && saved.query === options.query',
    'saved !== undefined',
  ),
]

const drivers = at('database/drivers/tenant-drivers.ts')
const knex = at('database/drivers/knex-pool.ts')
const slonik = at('database/drivers/slonik-driver.ts')
const bound = at('database/drivers/bound-client.ts')
const poolClass = at('database/drivers/pool-class.ts')

const parts: readonly OrmMutant[] = [
  drivers([DRIVERS], 'plain-pool', '!(pool instanceof WalledPool)', 'pool === undefined'),
  drivers([LIBRARY_CACHES], 'warning-of-caches', 'if (options?.cache && !isTenantHook(options.cache))', 'if (false)'),
  drivers([LIBRARY_CACHES], 'cache-of-mikro', '      resultCache: ownCache(),\n'),
  drivers(
    [library('driver-options')],
    'extensions-of-typeorm',
    'installExtensions: false } as',
    'installExtensions: true } as',
  ),
  {
    ...drivers([library('sequelize')], 'strings-of-sequelize', '      standardConformingStrings: false,\n'),
    unused: { 'sequelize (library)': 'Sequelize sets it only if the server does not report that it is on' },
  },
  drivers([library('sequelize')], 'timezone-of-sequelize', '      keepDefaultTimezone: true,\n'),
  drivers([library('sequelize')], 'messages-of-sequelize', "      dialectOptions: { clientMinMessages: 'ignore' },\n"),
  drivers([DRIVERS, library('mikro')], 'early-refusal-of-mikro', '(made) => refuseEarly(made, settings)', '() => {}'),
  bound(
    [DRIVERS],
    'place-of-clients',
    '        ...pool.options,\n',
    '        ...pool.options,\n        ...(config as object),\n',
  ),
  bound([library('driver-options')], 'types-of-library', '        ...(types === undefined ? {} : { types }),\n'),
  bound([DRIVERS], 'no-native', 'native: undefined,\n  }\n}', 'native: pg as never,\n  }\n}'),
  knex(
    [DRIVERS],
    'second-release',
    '    this.#client = undefined\n    client?.release(destroy)',
    '    client?.release(destroy)',
  ),
  knex([DRIVERS], 'disposed-by-knex', "Reflect.get(connection, '__knex__disposed') !== undefined", 'false'),
  at('database/drivers/refuse-early.ts')(
    [DRIVERS],
    'context-of-checkout',
    'bindToCaller(callback as () => void)',
    'callback',
  ),
  slonik(
    [library('slonik-pool')],
    'types-before-connection',
    '      const types = await this.#types()\n      const client = await this.#connection()\n',
    '      const client = await this.#connection()\n      const types = await this.#types()\n',
  ),
  {
    ...slonik(
      [library('slonik-pool')],
      'types-outside-of-tenants',
      'await runWithoutTenant(() =>\n    pool.query',
      'await (async (fn: () => Promise<{ rows: { oid: number; typarray: number; typname: string }[] }>) => fn())(() =>\n    pool.query',
    ),
    unused: { 'slonik-pool (library)': 'each tenant may read pg_type; without a context both statements are refused' },
  },
  slonik([library('slonik')], 'lease-once', '    this.#lease = undefined\n'),
  slonik([DRIVERS], 'refused-lease', 'await lease?.catch(() => undefined)', 'await lease'),
  slonik([DRIVERS], 'use-after-release', "if (this.#state !== 'ACQUIRED')", 'if (false)'),
  slonik(
    [library('slonik-pool')],
    'errors-of-slonik',
    '      throw slonikError(error, this.#parts.errors, { sql: text, values })',
    '      throw error',
  ),
  poolClass([POOL_CLASS], 'other-place', '    refuseOtherPlace(pool.options, options)\n'),
  poolClass([POOL_CLASS], 'end-of-handle', 'if (!ended) return Reflect.apply', 'return Reflect.apply'),
  poolClass([POOL_CLASS], 'listeners-of-handle', '      ended = true\n      forget()\n', '      ended = true\n'),
  poolClass([POOL_CLASS], 'listeners-of-others', '    removeAllListeners: (event) => forget(event),\n'),
  poolClass(
    [POOL_CLASS],
    'methods-of-others',
    '    set(_target, name, value) {\n      replaced.set(name, value)\n      return true',
    '    set(target, name, value) {\n      return Reflect.set(target, name, value)',
  ),
  poolClass(
    [POOL_CLASS],
    'definitions-of-others',
    '    defineProperty(_target, name, { value }) {\n      replaced.set(name, value)\n      return true',
    '    defineProperty(target, name, { value }) {\n      return Reflect.set(target, name, value)',
  ),
  poolClass([POOL_CLASS], 'prototype-of-others', '    setPrototypeOf: () => false,\n'),
]

/** Each must make its suites fail. */
export const mutants: readonly OrmMutant[] = [...caches, ...parts]
/** All suites of the list. */
export const suites: readonly string[] = [...new Set(mutants.flatMap((mutant) => mutant.suites))]
