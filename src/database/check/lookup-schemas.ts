import type { WalledPool } from '../pool/walled-pool.ts'
import type { DatabaseFinding } from './database-finding.ts'

interface LookupFacts {
  readonly name: string
  readonly column: string | null
  /** How many schemas of tenants have an object of this name. */
  readonly twins: number
}

/** $1: lookup schemas; $2: names of tenant columns. A schema is a tenant's if a policy on one of its tables calls placed_mark(). */
const LOOKUP_TEXT = `
  with tenants as materialized (
    select distinct c.relnamespace as oid from pg_catalog.pg_policy p join pg_catalog.pg_class c on c.oid = p.polrelid
     where pg_catalog.pg_get_expr(p.polqual, p.polrelid) like '%partywall.placed_mark()%'
  ), names as materialized (
    select c.relname as name, c.relnamespace as schema from pg_catalog.pg_class c join tenants t on t.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'f')
    union all select p.proname, p.pronamespace from pg_catalog.pg_proc p join tenants t on t.oid = p.pronamespace
    union all select y.typname, y.typnamespace from pg_catalog.pg_type y join tenants t on t.oid = y.typnamespace where y.typtype in ('e', 'd')
  ), lookups as (
    select n.nspname || '.' || c.relname as label, c.relname as name,
           (select a.attname::text from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attname = any ($2) and not a.attisdropped limit 1) as tenant_column
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = any ($1) and c.relkind in ('r', 'p', 'v', 'm', 'f')
    union all select n.nspname || '.' || p.proname || '()', p.proname, null from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace where n.nspname = any ($1)
    union all select n.nspname || '.' || y.typname, y.typname, null from pg_catalog.pg_type y join pg_catalog.pg_namespace n on n.oid = y.typnamespace where n.nspname = any ($1) and y.typtype in ('e', 'd')
  )
  select distinct l.label as name, l.tenant_column as column, (select count(distinct n.schema)::int from names n where n.name = l.name) as twins
    from lookups l where l.tenant_column is not null or exists (select from names n where n.name = l.name) order by 1`

/**
 * Findings about `lookupSchemas`. If a tenant's own schema lacks a table, its name must not resolve to a table in a schema that all tenants
 * share.
 */
export async function lookupFindings(
  pool: WalledPool,
  tenantColumns: readonly string[],
): Promise<readonly DatabaseFinding[]> {
  const { lookupSchemas } = pool.settings
  if (lookupSchemas.length === 0) return []
  const { rows } = await pool.runAsLogin(LOOKUP_TEXT, [lookupSchemas, tenantColumns])
  return rows.map(({ name, column, twins }: LookupFacts): DatabaseFinding => {
    const isTenants = column !== null
    return {
      id: isTenants ? 'lookup-holds-tenants' : 'lookup-shares-name',
      severity: 'error',
      object: name,
      message: isTenants
        ? `${name} is in a lookup schema and holds rows of tenants (${column}): a tenant whose own schema lacks the table would use it.`
        : `${name} is in a lookup schema, and ${twins} ${twins === 1 ? 'schema of a tenant has' : 'schemas of tenants have'} the name too: search_path decides which of them a statement uses.`,
      fix: `-- Move ${name} to another schema, or take its schema out of lookupSchemas.`,
    }
  })
}
