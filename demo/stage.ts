import { join } from 'node:path'
import { exampleAccess } from '../examples/express-api/access.ts'
import { stillMember } from '../examples/express-api/still-member.ts'
import { packageRoot } from '../src/config/package-root.ts'
import { silentLogger } from '../src/logger/logger.ts'
import { createPartywall, type Partywall } from '../src/partywall.ts'
import { type AdminQuery, startTestKit, type TestKit } from '../src/testing/start-test-kit.ts'
import type { TenantTestHelper } from '../src/testing/tenant-test-helper.ts'
import { createAttackedApi } from './attacked-api/app.ts'
import { type LayerName, removalOf } from './layers.ts'
import { openLimitStore } from './limit-store.ts'
import { type PlacedTenant, plantPlaced } from './placed-tenants.ts'

/** A tenant of the demo with its rows. */
export interface DemoTenant {
  readonly name: string
  readonly helper: TenantTestHelper
  readonly api: TenantTestHelper['api']
  readonly id: string
  readonly projectId: string
  readonly documentId: string
  /** A user of the tenant that is not the token's. */
  readonly colleagueId: string
  /** A text that only documents of this tenant contain. */
  readonly secret: string
}

/** The attacks send many requests as Acme and Globex, so these two have high limits. All other tenants have the usual tiers. */
const demoTiers = {
  free: { requestsPerMinute: 60, requestsPerDay: 1_000, burstSize: 10 },
  pro: { requestsPerMinute: 300, requestsPerDay: 10_000, burstSize: 50 },
  enterprise: { requestsPerMinute: 100_000, requestsPerDay: 1_000_000, burstSize: 10_000 },
}

/** Everything that the attacks work with. */
export interface Stage {
  readonly kit: TestKit
  readonly wall: Partywall
  readonly baseUrl: string
  /** The store of the rate limits, for the output. */
  readonly limits: string
  readonly a: DemoTenant
  readonly b: DemoTenant
  /** Two tenants, each with a schema of its own. */
  readonly initech: PlacedTenant
  readonly hooli: PlacedTenant
  readonly admin: AdminQuery
  /** A further tenant with one user; its token's role is that user's. */
  newTenant(name: string, options: { readonly tier?: string; readonly role: string }): Promise<TenantTestHelper>
  /** Superuser URL of the demo's database. */
  readonly adminUrl: string
  close(): Promise<void>
}

interface StageOptions {
  readonly port: number
  readonly without: LayerName | undefined
}

export async function openStage({ port, without }: StageOptions): Promise<Stage> {
  const { sql = [], wiring = {}, noAudit } = removalOf(without)
  const limits = await openLimitStore()
  let made: Partywall | undefined
  const kit = await startTestKit({
    migrations: join(packageRoot(), 'migrations'),
    port,
    app(env) {
      const wall: Partywall = createPartywall({
        database: {
          url: env.databaseUrl,
          ...(env.acrossTenantsUrl === undefined ? {} : { acrossTenantsUrl: env.acrossTenantsUrl }),
          max: 6,
        },
        auth: { ...env.auth, authorize: stillMember(() => wall.pool) },
        seal: { secret: env.sealSecret },
        access: exampleAccess,
        rateLimit: { store: limits.store, tiers: demoTiers },
        failedTokens: false, // all attacks come from one address, and this limit would refuse them before the layer under test
        ...(noAudit ? { audit: false as const } : {}),
        logger: silentLogger,
      })
      made = wall
      return {
        listener: createAttackedApi(wall, { layers: wiring, agreement: { headers: ['x-tenant-id'] } }),
        async close() {
          await wall.close({ timeoutMs: 2_000 })
          await limits.close()
        },
      }
    },
  })
  try {
    if (made === undefined) throw new Error('the kit made no application')
    await plantProbes(kit.admin)
    const a = await plant(kit, 'Acme', 'enterprise')
    const b = await plant(kit, 'Globex', 'enterprise')
    const [initech, hooli] = [await plantPlaced(kit, 'Initech'), await plantPlaced(kit, 'Hooli')]
    if (!noAudit) {
      for (const table of ['documents', 'projects', 'users'])
        await kit.admin(`call partywall.audit_table('public.${table}')`)
    }
    for (const statement of sql) await kit.admin(statement)
    const wall: Partywall = made
    return {
      kit,
      wall,
      limits: limits.what,
      baseUrl: kit.baseUrl,
      a,
      b,
      initech,
      hooli,
      admin: kit.admin,
      newTenant: (name, options) => newTenant(kit, name, options),
      adminUrl: kit.adminUrl,
      close: () => kit.close(),
    }
  } catch (error) {
    await kit.close()
    throw error
  }
}

/** Copies of a table, each without one layer, so that a probe tests only the next layer. */
async function plantProbes(admin: AdminQuery): Promise<void> {
  const context = "(select nullif(current_setting('app.current_tenant_id', true), '')::uuid)"
  await admin(`
    create table unsealed_documents (like documents including defaults including constraints including indexes);
    alter table unsealed_documents enable row level security, force row level security;
    create policy tenant_isolation_policy on unsealed_documents for all
      using (tenant_id = ${context}) with check (tenant_id = ${context});
    grant select, insert on unsealed_documents to tenant_user, tenant_admin;

    create table guarded_notes (tenant_id uuid not null, note text);
    create trigger enforce_tenant_id before insert or update on guarded_notes
      for each row execute function enforce_tenant_id();
    grant select, insert, update on guarded_notes to tenant_user, tenant_admin;`)
}

async function newTenant(
  kit: TestKit,
  name: string,
  { tier, role }: { readonly tier?: string; readonly role: string },
): Promise<TenantTestHelper> {
  const helper = await kit.tenant(name, { roles: [role], ...(tier === undefined ? {} : { tier }) })
  await kit.admin('insert into users (tenant_id, id, email, name, role) values ($1, $2, $3, $4, $5)', [
    helper.tenantId,
    helper.userId,
    `${role}@${name.toLowerCase()}.example`,
    `The ${role} of ${name}`,
    role,
  ])
  return helper
}

async function plant(kit: TestKit, name: string, tier: string): Promise<DemoTenant> {
  const helper = await newTenant(kit, name, { tier, role: 'owner' })
  const secret = `secret of ${name}`
  const id = helper.tenantId
  const insert = async (text: string, values: readonly unknown[]): Promise<string> =>
    String((await kit.admin(`${text} returning id`, values)).rows[0]?.id)
  const colleagueId = await insert("insert into users (tenant_id, email, name, role) values ($1, $2, $3, 'member')", [
    id,
    `member@${name.toLowerCase()}.example`,
    `Member of ${name}`,
  ])
  const projectId = await insert('insert into projects (tenant_id, name, owner_id) values ($1, $2, $3)', [
    id,
    `Plans of ${name}`,
    helper.userId,
  ])
  const documentId = await insert(
    'insert into documents (tenant_id, project_id, title, body, created_by) values ($1, $2, $3, $4, $5)',
    [id, projectId, 'Roadmap', secret, helper.userId],
  )
  await kit.admin(
    'insert into documents (tenant_id, project_id, title, body, created_by) select $1, $2, title, $3, $4 from unnest($5::text[]) title',
    [id, projectId, secret, helper.userId, ['Budget', 'Minutes', 'Draft']],
  )
  await kit.admin('insert into unsealed_documents select * from documents where tenant_id = $1', [id])
  return { name, helper, api: helper.api, id, projectId, documentId, colleagueId, secret }
}
