import type { Catalog } from '../../catalog/catalog.ts'
import { qualifiedName } from '../../catalog/names.ts'
import { ConfigurationError } from '../../errors.ts'
import type { Tenancy } from '../../tenancy/facts.ts'
import type { Project } from '../detection/project.ts'
import type { TenantFacts } from './init-plan.ts'
import { JOURNAL } from './user-tables.ts'

/**
 * What init needs to know of the tenants.
 *
 * @param own schemas in which the application has tables
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if there is no table of tenants
 */
export function tenantFacts(
  { tenancy, catalog }: { readonly tenancy: Tenancy; readonly catalog: Catalog },
  { migrations }: Pick<Project, 'migrations'>,
  own: readonly string[],
): TenantFacts {
  const { root } = tenancy
  const [column] = tenancy.columnNames
  if (root === undefined || column === undefined)
    throw new ConfigurationError(
      `No table of tenants was found: a table to which the tenant columns of the others refer by a foreign key. Add that key, run your migrations${migrations.command === undefined ? '' : ` (${migrations.command})`}, and run partywall init again; or name the column with --tenant-column.`,
    )
  const has = (name: string) => root.relation.columns.find((each) => each.name === name)?.name
  return {
    column,
    table: qualifiedName(root.relation),
    schema: root.relation.schema,
    tableName: root.relation.name,
    key: root.key.name,
    status: has('status'),
    tier: has('tier'),
    schemas: [...tenancy.schemas].filter((schema) => !isJournal(catalog, schema)),
    searchPath: [...tenancy.schemas].filter((schema) => own.includes(schema)),
    tables: [...tenancy.tables.values()].map(({ relation }) => relation.label).sort(),
    otherTables: [...tenancy.tables.values()]
      .filter(({ relation }) => relation.oid !== root.relation.oid)
      .map(({ relation }) => qualifiedName(relation))
      .sort(),
  }
}

/**
 * Whether a schema holds nothing but the table in which a migration tool notes what it ran, such as `drizzle`. The tool makes it, and not the
 * migrations, so it is missing where only they were run. A schema with views or functions stays: they may show rows of tenants.
 */
function isJournal({ relations, functions }: Catalog, schema: string): boolean {
  const inside = [...relations.values()].filter(
    (relation) => relation.schema === schema && relation.kind !== 'sequence',
  )
  return (
    inside.length > 0 &&
    inside.every(({ kind, name }) => kind === 'table' && JOURNAL.test(name)) &&
    [...functions.values()].every((each) => each.schema !== schema)
  )
}
