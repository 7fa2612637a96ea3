import type { Catalog } from '../../catalog/catalog.ts'
import type { Oid, Queryable } from '../../catalog/model.ts'
import { readCatalog } from '../../catalog/read-catalog.ts'
import type { SqlReader } from '../../sql/reader.ts'
import { type DiscoveryHints, discoverAll } from '../../tenancy/discovery/discover.ts'
import type { Tenancy } from '../../tenancy/facts.ts'
import { type FoundSchemas, findTenantSchemas } from '../../tenancy/fleet/find-schemas.ts'
import { type OpenFleet, takeFleet } from './open-fleet.ts'

interface Hints extends DiscoveryHints {
  readonly tenantSchemas?: readonly string[] | undefined
}

interface Discovered {
  /** The catalog without the tenants' schemas. */
  readonly catalog: Catalog
  /** Undefined if no tenant has a schema of its own. */
  readonly fleet: OpenFleet | undefined
  readonly tenancies: readonly [Tenancy, ...(readonly Tenancy[])]
}

/**
 * Finds the schemas of single tenants, and the tenants of the other tables. If there is no tenant column at all, schemas whose names begin
 * alike are taken for tenants' schemas, although they hold different tables.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` like `discoverAll`, if there are no such schemas either
 */
export async function discoverFleetAndTables(db: Queryable, sql: SqlReader, hints: Hints): Promise<Discovered> {
  const patterns = hints.tenantSchemas ?? []
  // If the user named schemas or tenant columns, only these are looked at.
  const told = hints.schemas !== undefined || hints.tenantColumns !== undefined
  const found = told && patterns.length === 0 ? undefined : await findTenantSchemas(db, patterns)
  const whole = await readCatalog(db, leftOut(found))
  const first = found === undefined ? undefined : takeFleet(whole, found)
  try {
    return { catalog: first?.catalog ?? whole, fleet: first, tenancies: discoverIn(whole, sql, hints, first) }
  } catch (error) {
    if (first !== undefined || told) throw error
    const wider = takeFleet(whole, await findTenantSchemas(db, patterns, false))
    if (wider === undefined || wider.tables.length === 0) throw error
    return { catalog: wider.catalog, fleet: wider, tenancies: discoverIn(whole, sql, hints, wider) }
  }
}

/** Tenants' schemas whose catalog is not read. A few are read, because their grants show which role the application uses. */
function leftOut(found: FoundSchemas | undefined): readonly Oid[] {
  return (found?.schemas ?? []).slice(SAMPLES).map(({ oid }) => oid)
}

const SAMPLES = 10

function discoverIn(
  whole: Catalog,
  sql: SqlReader,
  hints: Hints,
  fleet: OpenFleet | undefined,
): Discovered['tenancies'] {
  const { appRole, schemas, tenantColumns, setting } = hints
  if (fleet === undefined) return discoverAll(whole, sql, { appRole, schemas, tenantColumns, setting })
  const [first, ...others] = discoverAll(fleet.catalog, sql, {
    appRole,
    schemas,
    tenantColumns,
    setting: setting ?? fleet.setting,
    fleetTables: fleet.tables,
  })
  return [Object.freeze({ ...first, notes: [fleet.found.how, ...first.notes] }), ...others]
}
