import type { Catalog } from '../catalog/catalog.ts'
import type { DatabaseFunction, Oid, Relation } from '../catalog/model.ts'
import { privilegesOf } from '../catalog/privileges.ts'
import { roleGraph } from '../catalog/role-graph.ts'
import type { SqlReader } from '../sql/reader.ts'
import type { ActingRole, Facts, Proofs, Tenancy, TenantTable } from './facts.ts'
import type { Fleet } from './fleet/fleet.ts'
import { unboundTables } from './unbound.ts'

interface FactsParts {
  readonly catalog: Catalog
  readonly sql: SqlReader
  readonly tenancy: Tenancy
  readonly sealed: boolean
  readonly loginDoubt: string | undefined
  readonly fleet?: Fleet | undefined
  /** Makes the prover. It is a function because the prover needs the facts that contain it. */
  readonly proofs: (facts: Facts) => Proofs
}

/** Joins catalog, discovery and prover into the facts that rules and attacks read. */
export function buildFacts({ catalog, sql, tenancy, sealed, loginDoubt, fleet, proofs }: FactsParts): Facts {
  const graph = roleGraph(catalog)
  const privileges = privilegesOf(catalog, graph)
  const app = tenancy.appRole
  const acting: readonly ActingRole[] = [
    { role: app, path: [app.name] },
    ...graph.settable(app.oid).map(({ role, path }) => ({ role, path })),
    ...tenancy.siblings.map((role) => ({ role, path: [role.name] })),
  ]
    .filter(({ role }) => !tenancy.excluded.has(role.oid))
    .map(({ role, path }) => ({
      role,
      path,
      rights: graph.rightsOf(role.oid),
      bypasses: role.superuser || role.bypassRls,
    }))
  const held = acting.filter((role) => !role.bypasses)
  const relations = [...catalog.relations.values()]
    .filter((relation) => relation.extension === undefined && tenancy.schemas.has(relation.schema))
    .sort((a, b) => a.label.localeCompare(b.label))
  const functions = [...catalog.functions.values()].filter(
    (fn) => fn.extension === undefined && fn.schema !== 'partywall',
  )
  const relationsByName = groupByName([...catalog.relations.values()])
  const functionsByName = groupByName([...catalog.functions.values()])

  const facts: Facts = {
    catalog,
    graph,
    privileges,
    sql,
    tenancy,
    acting,
    becomable: graph.becomable(app.oid),
    get proofs() {
      return lazyProofs()
    },
    sealed,
    loginDoubt,
    fleet,
    reach: (relation, privilege) => held.filter(({ role }) => privileges.onRelation(role.oid, relation, privilege)),
    executors: (fn) => held.filter(({ role }) => privileges.onFunction(role.oid, fn)),
    relations,
    functions,
    relationOf: (oid) => catalog.relations.get(oid),
    relationNamed: (schema, name) => pick(relationsByName.get(name) ?? [], schema),
    functionsNamed: (schema, name) =>
      (functionsByName.get(name) ?? []).filter((fn) => schema === undefined || fn.schema === schema),
    columnNamed: (relation, name) => relation.columns.find((column) => column.name === name),
    columnNumbered: (relation, number) => relation.columns.find((column) => column.number === number),
    tenantTable: (relation) => tenancy.tables.get(relation.oid),
    judgedTable: (relation) => tenancy.tables.get(relation.oid) ?? unbound().get(relation.oid),
    protectedFor: (relation, role) =>
      !role.bypasses && relation.rowSecurity && (relation.forceRowSecurity || !role.rights.has(relation.owner)),
    roleName: (oid) => (oid === 0 ? 'PUBLIC' : (catalog.roles.get(oid)?.name ?? `role ${oid}`)),
  }
  let found: ReadonlyMap<Oid, TenantTable> | undefined
  function unbound(): ReadonlyMap<Oid, TenantTable> {
    found ??= unboundTables(facts)
    return found
  }
  let known: Proofs | undefined
  function lazyProofs(): Proofs {
    known ??= proofs(facts)
    return known
  }
  return facts
}

function groupByName<T extends Relation | DatabaseFunction>(items: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const list = groups.get(item.name) ?? []
    list.push(item)
    groups.set(item.name, list)
  }
  return groups
}

function pick(relations: readonly Relation[], schema: string | undefined): Relation | undefined {
  if (schema !== undefined) return relations.find((relation) => relation.schema === schema)
  const inPublic = relations.find((relation) => relation.schema === 'public')
  return inPublic ?? (relations.length === 1 ? relations[0] : undefined)
}
