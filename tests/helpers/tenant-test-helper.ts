// The example API on a real PostgreSQL, bound to a test file: TenantTestHelper.create('a') gives a tenant of it.
import type { RequestListener } from 'node:http'
import { createAttackedApi } from '../../demo/attacked-api/app.ts'
import { createExampleApi, type ExampleOptions } from '../../examples/express-api/app.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { createPartywall, type Partywall, type PartywallConfig } from '../../src/partywall.ts'
import { startTestKit, type TestKit, type TestKitEnv } from '../../src/testing/start-test-kit.ts'
import type { TenantTestHelper as KitHelper } from '../../src/testing/tenant-test-helper.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'
import { moveExampleTenant } from '../setup/tenant-schemas.ts'

export const FLEETS = ['shared', 'schema', 'mixed'] as const
type Fleet = (typeof FLEETS)[number]

export interface ExampleKit {
  readonly kit: TestKit
  readonly wall: Partywall
  readonly database: TestDatabase
  /** Answers 401, 403 and 429 that the API has given so far. */
  readonly refused: readonly { readonly status: number; readonly request: string }[]
  /** Tables of the example for the superuser: the rows of all places. */
  readonly all: (table: string) => string
}

let current: (ExampleKit & { readonly schemas: string[]; readonly fleet: Fleet; made: number }) | undefined

/** Starts the example on a database of this test file. Call it in `beforeAll`; `TenantTestHelper.create` serves it then. */
export async function startExample(
  options: ExampleOptions & {
    /** Mounts routes with the usual mistakes under `/careless`, to be attacked. */
    readonly careless?: boolean
    readonly wall?: (env: TestKitEnv) => Partial<PartywallConfig>
    /** Which tenants get a schema of their own: none, all, or every second one. Default none. */
    readonly fleet?: Fleet
  } = {},
): Promise<ExampleKit> {
  const database = await createTestDatabase()
  let wall: Partywall | undefined
  const refused: { status: number; request: string }[] = []
  const kit = await startTestKit({
    databaseUrl: database.adminUrl,
    appUrl: database.appUrl,
    acrossUrl: database.acrossUrl,
    sealSecret: database.sealSecret,
    app(env) {
      const made = createPartywall({
        database: { url: env.databaseUrl, acrossTenantsUrl: database.acrossUrl, max: 4 },
        auth: env.auth,
        seal: { secret: env.sealSecret },
        failedTokens: false, // attacks come from one address, and each shall meet what refuses it
        logger: silentLogger,
        ...options.wall?.(env),
      })
      wall = made
      const api = options.careless === true ? createAttackedApi(made, options) : createExampleApi(made, options)
      const listener: RequestListener = (request, response) => {
        const line = `${request.method} ${request.url}`
        response.on('finish', () => {
          if ([401, 403, 429].includes(response.statusCode))
            refused.push({ status: response.statusCode, request: line })
        })
        api(request, response)
      }
      return { listener, close: () => made.close({ timeoutMs: 2_000 }) }
    },
  })
  afterFile(() => kit.close())
  if (wall === undefined) throw new Error('the kit made no app')
  const schemas: string[] = []
  current = {
    kit,
    wall,
    database,
    refused,
    schemas,
    fleet: options.fleet ?? 'shared',
    made: 0,
    all(table) {
      const places = ['public', ...schemas]
      return `(${places.map((place) => `select * from ${place}.${table}`).join(' union all ')}) as ${table}`
    },
  }
  return current
}

/** A tenant of the example, with one user, one project and two documents. */
export class TenantTestHelper {
  private constructor() {}

  static async create(
    name: string,
    options: { readonly tier?: string; readonly roles?: readonly string[] } = {},
  ): Promise<ExampleTenant> {
    if (current === undefined) throw new Error('call startExample() first')
    const { kit } = current
    const tenant = await kit.tenant(name, options)
    const plant = async (text: string, values: readonly unknown[]): Promise<string> =>
      String((await kit.admin(`${text} returning id`, values)).rows[0]?.id)
    await kit.admin('insert into users (tenant_id, id, email, name, role) values ($1, $2, $3, $4, $5)', [
      tenant.tenantId,
      tenant.userId,
      `owner@${name}.example`,
      `owner of ${name}`,
      'owner',
    ])
    const projectId = await plant('insert into projects (tenant_id, name, owner_id) values ($1, $2, $3)', [
      tenant.tenantId,
      'Plans',
      tenant.userId,
    ])
    const document = (title: string) =>
      plant('insert into documents (tenant_id, project_id, title, body, created_by) values ($1, $2, $3, $4, $5)', [
        tenant.tenantId,
        projectId,
        title,
        `secret of ${tenant.key}`,
        tenant.userId,
      ])
    const documentId = await document('Roadmap')
    await document('Budget')
    const place = current.made++ % 2
    if (current.fleet === 'schema' || (current.fleet === 'mixed' && place === 1)) {
      const schema = await moveExampleTenant(current.database, tenant.tenantId)
      current.schemas.push(schema)
      tenant.placement = { schema }
    }
    return Object.assign(tenant, { projectId, documentId, secret: `secret of ${tenant.key}` })
  }
}

export type ExampleTenant = KitHelper & {
  readonly projectId: string
  readonly documentId: string
  /** What only this tenant's documents say. */
  readonly secret: string
}
