import type { Catalog } from '../../src/catalog/catalog.ts'
import type { Queryable } from '../../src/catalog/model.ts'
import { readCatalog } from '../../src/catalog/read-catalog.ts'
import { ConfigurationError } from '../../src/errors.ts'
import { findRegisteredSchemas } from '../../src/tenancy/fleet/find-schemas.ts'
import { takeFleet } from '../../src/verify/fleet/open-fleet.ts'

const SHOWN = 3

interface Asked {
  readonly schema?: readonly string[] | undefined
  readonly tables?: readonly string[] | undefined
}

/**
 * The catalog without the schemas that `partywall.schemas` registers for single tenants, and a note about them. Policies of shared tables in
 * such a schema would compare a column, and `install_schema()` writes other policies.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if `--schema` or `--tables` names such a schema, or if there are no other tables
 */
export async function withoutTenantSchemas(
  db: Queryable,
  asked: Asked,
): Promise<{ readonly catalog: Catalog; readonly note: readonly string[] }> {
  const found = await findRegisteredSchemas(db)
  const names = found.schemas.map(({ name }) => name)
  const named = [...(asked.schema ?? []), ...(asked.tables ?? []).flatMap((table) => table.split('.').slice(0, -1))]
  const wrong = named.find((name) => names.includes(name))
  if (wrong !== undefined)
    throw new ConfigurationError(
      `Schema ${wrong} belongs to one tenant, as partywall.schemas says. Protect it with CALL partywall.install_schema('${wrong}', '<id of the tenant>'), or with partywall protect --tenant-schemas '${wrong}'.`,
    )
  const whole = await readCatalog(db)
  const catalog = names.length === 0 ? whole : (takeFleet(whole, found)?.catalog ?? whole)
  if (names.length === 0) return { catalog, note: [] }
  const hasOthers = [...catalog.relations.values()].some(
    ({ schema, kind }) => schema !== 'partywall' && (kind === 'table' || kind === 'partitioned-table'),
  )
  if (!hasOthers)
    throw new ConfigurationError(
      'All tables are in schemas of single tenants. Protect them with partywall protect --tenant-schemas.',
    )
  const shown = names.length > SHOWN ? `${names.slice(0, SHOWN).join(', ')}, …` : names.join(', ')
  return {
    catalog,
    note: [
      `${names.length} ${names.length === 1 ? 'schema' : 'schemas'} of single tenants left out (${shown}): partywall protect --tenant-schemas writes the calls that protect them`,
    ],
  }
}
