import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { runWithoutTenant } from '../context/run-with-tenant.ts'
import { createTenantPool } from '../database/pool/create-tenant-pool.ts'
import { ConfigurationError } from '../errors.ts'
import { silentLogger } from '../logger/logger.ts'
import { type KitDatabaseOptions, openKitDatabase } from './kit-database.ts'
import { createTenantRows, type TenantsTable } from './tenant-rows.ts'
import { TenantTestHelper } from './tenant-test-helper.ts'
import { startKitIssuer } from './test-issuer.ts'

/** Settings for the application under test. */
export interface TestKitEnv {
  /** The application's login role. */
  readonly databaseUrl: string
  readonly acrossTenantsUrl: string | undefined
  readonly sealSecret: string
  readonly issuer: string
  readonly audience: string
  readonly jwksUrl: string
  /** The `auth` of `createPartywall`, ready to use: tenant in `org_id`, roles in `roles`. */
  readonly auth: {
    readonly issuer: string
    readonly audience: string
    readonly algorithms: readonly ['ES256']
    readonly keys: { readonly jwks: { readonly keys: readonly object[] } }
    readonly tenantClaims: { readonly tenant: 'org_id'; readonly roles: 'roles'; readonly permissions: 'permissions' }
  }
}

/** Runs SQL as a superuser, to which no policy applies. */
export type AdminQuery = (text: string, values?: readonly unknown[]) => Promise<pg.QueryResult>

/** The application: a listener, or a listener and a function that closes the application. */
export type AppUnderTest = RequestListener | { readonly listener: RequestListener; readonly close: () => Promise<void> }

export type TestKitOptions = KitDatabaseOptions & {
  /** Creates the application, such as an Express app with its own wall. Without this option there is no API, only SQL. */
  readonly app?: (env: TestKitEnv) => AppUnderTest | Promise<AppUnderTest>
  /** The port of the application; default 0: any free port. */
  readonly port?: number | undefined
  /** Your table of tenants. Default: `public.tenants (id, key, name, status, tier)`. */
  readonly tenants?: TenantsTable | undefined
  /** The schemas in which a tenant's `rawQuery` looks for names without a schema. Default `['public']`. */
  readonly searchPath?: readonly string[] | undefined
  /** Inserts a tenant and returns its id. Default: a row in the table of tenants. */
  readonly plantTenant?: (
    admin: AdminQuery,
    tenant: { readonly key: string; readonly name: string; readonly tier: string },
  ) => Promise<string>
  /** Changes a tenant's status. Default: updates the column `status` of the table of tenants. */
  readonly setTenantStatus?: (admin: AdminQuery, tenantId: string, status: string) => Promise<void>
}

/** A real database, a real issuer, and the application on a real port. */
export interface TestKit {
  readonly env: TestKitEnv
  readonly baseUrl: string
  /** Creates a new tenant. The name is only a label for the test. */
  tenant(
    name: string,
    options?: { readonly tier?: string; readonly roles?: readonly string[]; readonly userId?: string },
  ): Promise<TenantTestHelper>
  /** Signs a token with any claims that a test wants to try. */
  sign(claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): Promise<string>
  readonly admin: AdminQuery
  /** Runs SQL as the application's login role outside of any tenant. In protected tables it must find no rows. */
  // biome-ignore lint/suspicious/noExplicitAny: rows of any shape, as with pg
  queryWithoutTenant(text: string, values?: readonly unknown[]): Promise<pg.QueryResult<any>>
  /** Superuser URL of the database, for `verifyDatabase` and other tools. */
  readonly adminUrl: string
  close(): Promise<void>
}

/**
 * Starts everything that isolation tests need. It works with any test runner.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` under NODE_ENV=production
 * @example
 * ```ts
 * const kit = await startTestKit({ migrations: 'migrations', app: (env) => createApp(env) })
 * const a = await kit.tenant('a')
 * const b = await kit.tenant('b')
 * const made = await b.api.post('/documents', { title: 'of b' })
 * assert.equal((await a.api.get(`/documents/${made.body.id}`)).status, 404)
 * await kit.close()
 * ```
 */
export async function startTestKit(options: TestKitOptions): Promise<TestKit> {
  if (process.env['NODE_ENV'] === 'production') {
    throw new ConfigurationError(
      'startTestKit() plants tenants and signs tokens; it does not run with NODE_ENV=production.',
    )
  }
  const { plantTenant, setTenantStatus } = options
  const opened: (() => Promise<void>)[] = []
  const close = async () => {
    for (const end of opened.splice(0).reverse()) await end()
  }
  try {
    const database = await openKitDatabase(options)
    opened.push(() => database.close())
    const issuer = await startKitIssuer()
    opened.push(() => issuer.close())
    const adminPool = new pg.Pool({ connectionString: database.adminUrl, max: 2 })
    adminPool.on('error', () => {}) // the database may be dropped with connections open
    opened.push(() => adminPool.end())
    const admin: AdminQuery = (text, values) => adminPool.query(text, values === undefined ? undefined : [...values])
    const pool = createTenantPool({
      connectionString: database.appUrl,
      max: 4,
      roles: { tenant_admin: ['owner', 'admin'] },
      seal: { secret: database.sealSecret },
      ...(options.searchPath === undefined ? {} : { searchPath: options.searchPath }),
      logger: silentLogger,
    })
    pool.on('error', () => {})
    opened.push(() => pool.close({ timeoutMs: 1_000 }))
    const tenantRows = createTenantRows(adminPool, options.tenants)
    const env: TestKitEnv = {
      databaseUrl: database.appUrl,
      acrossTenantsUrl: database.acrossUrl,
      sealSecret: database.sealSecret,
      issuer: issuer.issuer,
      audience: issuer.audience,
      jwksUrl: issuer.jwksUrl,
      auth: {
        issuer: issuer.issuer,
        audience: issuer.audience,
        algorithms: ['ES256'],
        keys: { jwks: issuer.jwks },
        tenantClaims: { tenant: 'org_id', roles: 'roles', permissions: 'permissions' },
      },
    }
    const baseUrl =
      options.app === undefined ? 'http://127.0.0.1:9' : await serve(await options.app(env), options.port ?? 0, opened)

    return {
      env,
      baseUrl,
      admin,
      adminUrl: database.adminUrl,
      sign: issuer.sign,
      queryWithoutTenant: (text, values) =>
        runWithoutTenant(() => pool.query(text, values === undefined ? undefined : [...values])),
      close,
      async tenant(name, { tier = 'free', roles = ['admin'], userId = randomUUID() } = {}) {
        const key = `${name.toLowerCase().replace(/[^a-z0-9-]/g, '-')}-${randomUUID().slice(0, 8)}`
        const tenant = { key, name, tier }
        const tenantId = await (plantTenant === undefined ? tenantRows.plant(tenant) : plantTenant(admin, tenant))
        const setStatus = (status: string) =>
          setTenantStatus === undefined
            ? tenantRows.setStatus(tenantId, status)
            : setTenantStatus(admin, tenantId, status)
        return new TenantTestHelper({ name, tenantId, key, userId, tier, roles, baseUrl, issuer, pool, setStatus })
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function serve(app: AppUnderTest, wanted: number, opened: (() => Promise<void>)[]): Promise<string> {
  const { listener, close } = typeof app === 'function' ? { listener: app, close: undefined } : app
  if (close !== undefined) opened.push(close)
  const server = createServer(listener)
  server.listen(wanted, '127.0.0.1')
  await once(server, 'listening').catch((cause: unknown) => {
    throw new ConfigurationError(`Port ${wanted} can't be used: another program may hold it. Choose another one.`, {
      cause,
    })
  })
  opened.push(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo // listening on TCP, so it is an AddressInfo
  return `http://127.0.0.1:${port}`
}
