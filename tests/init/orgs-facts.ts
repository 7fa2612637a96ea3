import type { TenantFacts } from '../../src/init/plan/init-plan.ts'

/** An application whose tenants are rows of `public.orgs`. */
export const ORGS: TenantFacts = {
  column: 'org_id',
  table: 'public.orgs',
  schema: 'public',
  tableName: 'orgs',
  key: 'id',
  status: undefined,
  tier: undefined,
  schemas: ['public'],
  searchPath: ['public'],
  tables: ['public.orgs'],
  otherTables: [],
}
