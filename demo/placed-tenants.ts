import type { AdminQuery, TestKit } from '../src/testing/start-test-kit.ts'
import type { TenantTestHelper } from '../src/testing/tenant-test-helper.ts'

/** A tenant whose tables are in a schema of its own. */
export interface PlacedTenant {
  readonly helper: TenantTestHelper
  readonly schema: string
  /** A text that only its own document contains. */
  readonly secret: string
}

const TABLES = ['users', 'documents'] as const

/** Creates a tenant with a schema of its own, as a sign-up does: schema, tables and `install_schema()` in one transaction. */
export async function plantPlaced(kit: TestKit, name: string): Promise<PlacedTenant> {
  const schema = `tenant_${name.toLowerCase()}`
  const secret = `secret of ${name}`
  const helper = await kit.tenant(name, { roles: ['owner'], tier: 'enterprise' })
  await createSchema(kit.admin, schema, helper.tenantId)
  await kit.admin(
    `insert into ${schema}.users (tenant_id, id, email, name, role) values ('${helper.tenantId}', '${helper.userId}', 'owner@${name.toLowerCase()}.example', 'Owner', 'owner');
     insert into ${schema}.documents (tenant_id, title, body) values ('${helper.tenantId}', 'Roadmap', '${secret}')`,
  )
  helper.placement = { schema }
  return { helper, schema, secret }
}

async function createSchema(admin: AdminQuery, schema: string, tenantId: string): Promise<void> {
  const tables = TABLES.map(
    (table) => `
      create table ${schema}.${table} (like public.${table} including all);
      alter table ${schema}.${table} owner to app_owner;
      create trigger enforce_tenant_id before insert or update on ${schema}.${table} for each row execute function public.enforce_tenant_id();`,
  )
  await admin(
    `create schema ${schema} authorization app_owner; ${tables.join('')} call partywall.install_schema('${schema}', '${tenantId}')`,
  )
}
