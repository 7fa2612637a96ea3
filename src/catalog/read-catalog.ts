import type { Catalog } from './catalog.ts'
import { WITHOUT_SCHEMAS } from './left-out-schemas.ts'
import type { Oid, Queryable, Relation } from './model.ts'
import { readComparisons } from './read-comparisons.ts'
import { readConstraints, readIndexes } from './read-constraints.ts'
import { readDefinitions } from './read-definitions.ts'
import { readDependencies } from './read-dependencies.ts'
import { readFunctions } from './read-functions.ts'
import { readLargestShares } from './read-largest-shares.ts'
import { readMarkedBuiltins } from './read-leakproof.ts'
import {
  readDefaultPrivileges,
  readExtensions,
  readForeignServers,
  readGrantedBuiltins,
  readLanguages,
  readLargeObjects,
  readPublications,
  readSchemas,
  readSequences,
  readServer,
  readSystemRelationGrants,
  readTypes,
  readUnfixedStatisticsViews,
} from './read-objects.ts'
import { readPolicies } from './read-policies.ts'
import { readRelations } from './read-relations.ts'
import { readMemberships, readParameterGrants, readRoles, readStoredSettings } from './read-roles.ts'
import { readEventTriggers, readRules, readTriggers, readViewRules } from './read-triggers.ts'

/**
 * Reads the whole catalog of the connected database in a fixed number of queries, independent of the number of tables.
 *
 * Any role can read the catalog. Call this function inside a transaction: it sets `search_path` to `pg_catalog` for that transaction, and
 * restores the old value afterwards. With this `search_path` the server prints all expressions with qualified names.
 *
 * @param without OIDs of schemas that are left out, with everything in them
 */
export async function readCatalog(db: Queryable, without: readonly Oid[] = []): Promise<Catalog> {
  const before = await db.query<{ path: string }>(`select pg_catalog.current_setting('search_path') as path`)
  await db.query(
    `select pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('${WITHOUT_SCHEMAS}', $1, true)`,
    [without.join(',')],
  )
  const catalog = await readAll(db)
  await db.query(`select pg_catalog.set_config('search_path', $1, true)`, [before.rows[0]?.path ?? ''])
  return Object.freeze(catalog)
}

async function readAll(db: Queryable): Promise<Catalog> {
  const server = await readServer(db)
  const dependencies = await readDependencies(db)
  const relations = await readRelations(db, dependencies)
  const policies = groupBy(await readPolicies(db, dependencies), (policy) => policy.relation)
  const constraints = groupBy(
    await readConstraints(db, dependencies, server.version),
    (constraint) => constraint.relation,
  )
  const indexes = groupBy(await readIndexes(db, dependencies), (index) => index.relation)
  const triggers = groupBy(await readTriggers(db), (trigger) => trigger.relation)
  const rules = groupBy(await readRules(db, dependencies), (rule) => rule.relation)
  const viewRules = await readViewRules(db)
  const shares = await readLargestShares(db)
  return {
    serverVersion: server.version,
    database: server.database,
    reader: server.reader,
    roles: await readRoles(db),
    memberships: await readMemberships(db, server.version),
    storedSettings: await readStoredSettings(db),
    parameterGrants: await readParameterGrants(db),
    schemas: await readSchemas(db, dependencies),
    relations: new Map(
      relations.map((bare): [Oid, Relation] => {
        const rule = viewRules.get(bare.oid)
        const relation: Relation = {
          ...bare,
          policies: policies.get(bare.oid) ?? [],
          constraints: constraints.get(bare.oid) ?? [],
          indexes: indexes.get(bare.oid) ?? [],
          triggers: triggers.get(bare.oid) ?? [],
          rules: rules.get(bare.oid) ?? [],
          readsRelations:
            rule === undefined ? [] : dependencies.of('pg_rewrite', rule, 'pg_class').filter((oid) => oid !== bare.oid),
          callsFunctions: rule === undefined ? [] : dependencies.of('pg_rewrite', rule, 'pg_proc'),
          extension: dependencies.extensionOf('pg_class', bare.oid),
          largestShares: shares.get(bare.oid) ?? new Map(),
        }
        return [bare.oid, Object.freeze(relation)]
      }),
    ),
    functions: await readFunctions(db, dependencies),
    types: await readTypes(db, dependencies),
    sequences: await readSequences(db),
    defaultPrivileges: await readDefaultPrivileges(db),
    extensions: await readExtensions(db),
    publications: await readPublications(db),
    foreignServers: await readForeignServers(db),
    languages: await readLanguages(db),
    eventTriggers: await readEventTriggers(db),
    largeObjects: await readLargeObjects(db),
    markedBuiltins: await readMarkedBuiltins(db),
    grantedBuiltins: await readGrantedBuiltins(db),
    systemRelationGrants: await readSystemRelationGrants(db),
    unfixedStatisticsViews: await readUnfixedStatisticsViews(db),
    ...(await readComparisons(db)),
    otherDefinitions: await readDefinitions(db),
  }
}

function groupBy<T>(items: readonly T[], key: (item: T) => Oid): ReadonlyMap<Oid, readonly T[]> {
  const groups = new Map<Oid, T[]>()
  for (const item of items) {
    const list = groups.get(key(item)) ?? []
    list.push(item)
    groups.set(key(item), list)
  }
  return groups
}
