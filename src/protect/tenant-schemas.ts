import type { Queryable } from '../catalog/model.ts'
import { quoteIdentifier, quoteLiteral } from '../catalog/names.ts'
import { ConfigurationError } from '../errors.ts'
import { matchesPattern, SHAPE } from '../tenancy/fleet/find-schemas.ts'

/** Says which schemas belong to one tenant each, and where to find the tenant of each schema. */
export interface TenantSchemaOptions {
  /** Patterns for names of tenants' schemas, such as `tenant_*`. */
  readonly patterns?: readonly string[] | undefined
  /** A template schema. Each schema that has the same tables is a tenant's schema. */
  readonly template?: string | undefined
  /** A map from schema to tenant, read from a file. */
  readonly tenants?: ReadonlyMap<string, string> | undefined
  /** A table with a column for the schema and one for the tenant: `public.tenants(schema_name, id)`. */
  readonly tenantTable?: string | undefined
}

interface TenantSchemaScript {
  readonly sql: string
  readonly schemas: number
  /** Schemas whose tenant is not known. */
  readonly undecided: readonly string[]
}

const NAME = /^[a-z_][a-z0-9_]{0,62}$/

/**
 * Writes one call of `partywall.install_schema()` for each schema of a tenant. The tenant comes from the given table or mapping, and never
 * from the name of the schema. If the tenant of a schema is not known, the call is a comment that a person must complete.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if no schema is found, or the table can't be read
 */
export async function tenantSchemaScript(db: Queryable, options: TenantSchemaOptions): Promise<TenantSchemaScript> {
  const found = await schemasOf(db, options)
  if (found.length === 0) throw new ConfigurationError('No schema fits --tenant-schemas or --template.')
  const tenants = options.tenantTable === undefined ? options.tenants : await readTenants(db, options.tenantTable)
  const twice = [...countBy([...(tenants ?? new Map()).values()])]
    .filter(([, count]) => count > 1)
    .map(([tenant]) => tenant)
  if (twice.length > 0)
    throw new ConfigurationError('The mapping gives one tenant to several schemas. A tenant has one schema.')
  const undecided: string[] = []
  const lines = found.map((schema) => {
    const tenant = tenants?.get(schema)
    if (!NAME.test(schema))
      return `-- TO DECIDE: schema ${quoteIdentifier(schema)} has a name that no tenant’s schema may have. Rename it.`
    if (tenant !== undefined) return `CALL partywall.install_schema(${quoteLiteral(schema)}, ${quoteLiteral(tenant)});`
    undecided.push(schema)
    return `-- TO DECIDE: which tenant does the schema belong to? CALL partywall.install_schema(${quoteLiteral(schema)}, '<id of the tenant>');`
  })
  const head = [
    '-- Protects the schema of each tenant. Run it as the migration role, after partywall migrate.',
    '-- If a tenant still uses the shared tables, add the argument place => false to its CALL, and run partywall move-tenant afterwards.',
  ]
  return { sql: `${[...head, '', ...lines].join('\n')}\n`, schemas: found.length, undecided }
}

async function schemasOf(db: Queryable, { patterns = [], template }: TenantSchemaOptions): Promise<readonly string[]> {
  const { rows } = await db.query<{ name: string; tables: string[] }>(
    `select n.nspname::text as name, ${template === undefined ? "'{}'::text[]" : `array(select c.relname || ' ' || ${SHAPE} from pg_catalog.pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'p'))`} as tables
     from pg_catalog.pg_namespace n where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'partywall', 'public') order by 1`,
  )
  const model = rows.find(({ name }) => name === template)?.tables
  if (template !== undefined && model === undefined)
    throw new ConfigurationError(`--template: there is no schema ${template}.`)
  return rows
    .filter(({ name }) => name !== template)
    .filter(({ name }) => patterns.length === 0 || patterns.some((pattern) => matchesPattern(name, pattern)))
    .filter(({ tables }) => model === undefined || (model.length > 0 && model.every((table) => tables.includes(table))))
    .map(({ name }) => name)
}

/** Reads `schema.table(schema_column, tenant_column)`. */
async function readTenants(db: Queryable, text: string): Promise<ReadonlyMap<string, string>> {
  const parts = /^([\w$]+)\.([\w$]+)\(([\w$]+), ?([\w$]+)\)$/.exec(text)
  if (parts === null)
    throw new ConfigurationError('--tenant-table must be written as schema.table(schema_column, tenant_column).')
  const [schema = '', table = '', name = '', tenant = ''] = parts.slice(1).map(quoteIdentifier)
  const { rows } = await db.query<{ schema: string; tenant: string }>(
    `select ${name}::text as schema, ${tenant}::text as tenant from ${schema}.${table} where ${name} is not null`,
  )
  return new Map(rows.map((row) => [row.schema, row.tenant]))
}

function countBy(values: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}
