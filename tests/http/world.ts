import type { Authorize } from '../../src/auth/membership.ts'
import type { PartywallConfig } from '../../src/partywall.ts'
import { createMemoryStore } from '../../src/rate-limit/memory-store.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import type { TestIssuer } from '../setup/issuer.ts'
import { createTestWall } from '../setup/wall.ts'
import type { Setting } from './application.ts'
import { type Got, type Sending, send } from './client.ts'

const roomy = { requestsPerMinute: 10_000, requestsPerDay: 10_000, burstSize: 10_000 }
const small = { requestsPerMinute: 2, requestsPerDay: 10_000, burstSize: 2 }

/** What the tests of one framework work with. */
export interface World extends Setting {
  readonly database: TestDatabase
  readonly issuer: TestIssuer
  readonly url: string
  /** Lines that were logged as errors. */
  readonly logged: object[]
  tenant(tier?: string): Promise<TestTenant>
  token(tenant: TestTenant, claims?: Readonly<Record<string, unknown>>): Promise<string>
  as(tenant: TestTenant, path: string, sending?: Sending): Promise<Got>
}

/** What a world changes at its wall. */
interface Changes {
  /** Where the wall connects to, such as through a proxy. */
  readonly through?: (databaseUrl: string) => Promise<string>
  readonly tenants?: PartywallConfig['tenants']
  /** Called at each admission of a token. */
  readonly authorize?: Authorize
}

/** Starts the application of one framework on a real port, with a wall on a real PostgreSQL. */
export async function startWorld(
  serve: (setting: Setting) => Promise<string>,
  { through = async (url) => url, tenants, authorize }: Changes = {},
): Promise<World> {
  const database = await createTestDatabase()
  const logged: object[] = []
  const logger = { debug() {}, info() {}, warn() {}, error: (fields: object) => logged.push(fields) }
  const { wall, issuer } = await createTestWall(
    database,
    {
      logger,
      database: { url: await through(database.appUrl), max: 8, readOnlyOnSafeMethods: true },
      access: { roles: { admin: ['documents:*'], reader: [] } },
      rateLimit: {
        store: createMemoryStore(),
        tiers: { free: roomy, pro: small, enterprise: roomy },
        concurrency: { enterprise: 2 },
        routes: { tight: { requestsPerMinute: 1 } },
      },
      tenants,
    },
    authorize === undefined ? {} : { authorize },
  )
  await wall.limiter?.ready()
  const a = await createTestTenant(database)
  const b = await createTestTenant(database)
  const setting: Setting = { wall, a, b, seen: [], held: [] }
  const url = await serve(setting)
  const tokens = new Map<string, Promise<string>>()
  function token(tenant: TestTenant, claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const key = JSON.stringify([tenant.id, claims])
    const known = tokens.get(key)
    if (known !== undefined) return known
    const made = issuer.sign({ claims: { org_id: tenant.key, sub: tenant.userId, ...claims } })
    tokens.set(key, made)
    return made
  }
  return {
    ...setting,
    database,
    issuer,
    url,
    logged,
    tenant: (tier = 'free') => createTestTenant(database, { tier }),
    token,
    async as(tenant, path, sending = {}) {
      const headers = { authorization: `Bearer ${await token(tenant)}`, ...sending.headers }
      return send(`${url}${path}`, { ...sending, headers })
    },
  }
}
