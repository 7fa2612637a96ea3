import { randomUUID } from 'node:crypto'
import type { TenantContextInput } from '../../src/context/tenant-context.ts'
import { createTestTenant, type TestDatabase, type TestTenant } from './database.ts'

/** A tenant of the example whose tables are in a schema of its own. */
export interface PlacedTenant extends TestTenant {
  readonly schema: string
  readonly placement: { readonly schema: string }
}

const TABLES = ['users', 'projects', 'documents'] as const

/** SQL that copies the shape of the example's tables into a schema, as its migration would make them there. */
export function exampleSchemaSql(schema: string): string {
  const created = TABLES.map((table) => `create table ${schema}.${table} (like public.${table} including all);`)
  const keys = [
    `alter table ${schema}.projects add foreign key (tenant_id, owner_id) references ${schema}.users (tenant_id, id) on delete set null (owner_id);`,
    `alter table ${schema}.documents add foreign key (tenant_id, project_id) references ${schema}.projects (tenant_id, id) on delete cascade;`,
    `alter table ${schema}.documents add foreign key (tenant_id, created_by) references ${schema}.users (tenant_id, id) on delete set null (created_by);`,
  ]
  const rest = TABLES.flatMap((table) => [
    `alter table ${schema}.${table} add foreign key (tenant_id) references public.tenants (id);`,
    `create trigger enforce_tenant_id before insert or update on ${schema}.${table} for each row execute function public.enforce_tenant_id();`,
    `alter table ${schema}.${table} owner to app_owner;`,
  ])
  return [`create schema ${schema} authorization app_owner;`, ...created, ...keys, ...rest].join('\n')
}

export function newSchemaName(): string {
  return `tenant_${randomUUID().slice(0, 8)}`
}

/** Creates a schema of the example's shape and registers it for a tenant. */
export async function installTestSchema(database: TestDatabase, tenantId: string, name?: string): Promise<string> {
  const schema = name ?? newSchemaName()
  await database.admin(exampleSchemaSql(schema))
  await database.admin('call partywall.install_schema($1, $2)', [schema, tenantId])
  return schema
}

/** Moves the rows of a planted tenant from the shared tables into a schema of its own. Nobody may use the tenant yet. */
export async function moveExampleTenant(database: TestDatabase, tenantId: string, name?: string): Promise<string> {
  const schema = await installTestSchema(database, tenantId, name)
  const copies = TABLES.map((table) => copied(schema, table, tenantId))
  const gone = [...TABLES].reverse().map((table) => `delete from public.${table} where tenant_id = '${tenantId}';`)
  await database.admin([...copies, ...gone].join('\n'))
  return schema
}

/** Plants a tenant with one user, one project and one document in a schema of its own. */
export async function createPlacedTenant(
  database: TestDatabase,
  options: { readonly tier?: string; readonly status?: string; readonly schema?: string } = {},
): Promise<PlacedTenant> {
  const tenant = await createTestTenant(database, options)
  const schema = await moveExampleTenant(database, tenant.id, options.schema)
  return { ...tenant, schema, placement: { schema } }
}

function copied(schema: string, table: string, tenantId: string): string {
  return `insert into ${schema}.${table} select * from public.${table} where tenant_id = '${tenantId}';`
}

/** The context of a tenant, placed or not. */
export function contextOf(tenant: TestTenant | PlacedTenant, roles: readonly string[] = []): TenantContextInput {
  const placement = 'placement' in tenant ? tenant.placement : undefined
  return { tenantId: tenant.id, userId: tenant.userId, roles, placement }
}
