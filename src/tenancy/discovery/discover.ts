import type { Catalog } from '../../catalog/catalog.ts'
import type { Oid, Relation } from '../../catalog/model.ts'
import { roleGraph } from '../../catalog/role-graph.ts'
import { ConfigurationError } from '../../errors.ts'
import type { SqlReader } from '../../sql/reader.ts'
import type { Tenancy } from '../facts.ts'
import { findAppRole } from './app-role.ts'
import { bindingsOf, chooseContext, describeSetting } from './choose-context.ts'
import { gatherEvidence } from './evidence.ts'
import { otherCallers } from './other-callers.ts'
import { personalTables } from './personal-tables.ts'
import { settersOf } from './setters.ts'
import { chooseColumnName, describe } from './tenant-columns.ts'
import { findRoot, isTable } from './tenant-root.ts'
import { bindTables } from './tenant-tables.ts'
import type { Evidence } from './votes.ts'

export { DEFAULT_SETTING, describeSetting } from './choose-context.ts'

export interface DiscoveryHints {
  readonly appRole?: string | undefined
  readonly schemas?: readonly string[] | undefined
  readonly tenantColumns?: readonly string[] | undefined
  /** `app.tenant_id`, or `request.jwt.claims->tenant_id` for a key inside JSON. */
  readonly setting?: string | undefined
  /** Tables of tenants that have a schema each. They are judged separately; here they only help to find the application's role. */
  readonly fleetTables?: readonly Relation[] | undefined
}

/**
 * Finds the tenant column, table of tenants, setting and application role, unless they were given. For a schema with several kinds of
 * callers or tenants it returns only the first scope: see {@link discoverAll}.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with the candidates, if discovery finds none or more than one
 */
export function discover(catalog: Catalog, sql: SqlReader, hints: DiscoveryHints): Tenancy {
  const [first] = discoverAll(catalog, sql, hints)
  return first
}

/**
 * All scopes that are judged separately:
 * - the tenants as the application's role sees them;
 * - for each role whose policies read another setting, the tenants as this role sees them;
 * - tables whose rows belong to a person and not to a tenant.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` as {@link discover}
 */
export function discoverAll(
  catalog: Catalog,
  sql: SqlReader,
  hints: DiscoveryHints,
): readonly [Tenancy, ...(readonly Tenancy[])] {
  const notes: string[] = []
  const schemas = chooseSchemas(catalog, hints.schemas)
  const relations = [...catalog.relations.values()].filter(
    (relation) => schemas.has(relation.schema) && relation.extension === undefined,
  )
  const tables = relations.filter(isTable)
  const evidence = gatherEvidence(catalog, relations, sql)
  const chosen = hints.tenantColumns === undefined ? chooseColumn(tables, evidence, hints) : undefined
  const columnNames = hints.tenantColumns ?? (chosen === undefined ? [] : [chosen.name])
  for (const name of columnNames) {
    if (!tables.some((table) => table.columns.some((column) => column.name === name)))
      throw new ConfigurationError(`No table in ${[...schemas].join(', ')} has a column "${name}".`)
  }
  const root = findRoot(tables, columnNames[0] ?? '')
  const bound = bindTables({ relations, columnNames, root, votes: evidence.columns })
  if (chosen !== undefined) {
    const having = tables.filter((table) => table.columns.some((column) => column.name === columnNames[0])).length
    notes.push(`found ${columnNames[0]} in ${having} of ${tables.length} tables`)
    const weighed = chosen.others.slice(0, 3)
    if (weighed.length > 0)
      notes.push(`also weighed: ${weighed.map(describe).join('; ')}. --tenant-column NAME looks at one of these`)
  }
  if (root !== undefined) notes.push(`tenants are the rows of ${root.relation.label} (${root.key.name})`)
  const boundTables = [...bound.values()].map((table) => table.relation)
  const { role, siblings, note } = findAppRole(catalog, [...boundTables, ...(hints.fleetTables ?? [])], hints.appRole)
  const acting = actingOids(catalog, role.oid, siblings)
  const callers = otherCallers(catalog, evidence, boundTables, acting, hints)
  const excluded = new Set(callers.map((caller) => caller.role.oid))
  const own = ofRoles(evidence, (oids) => !oids.every((oid) => excluded.has(oid)))
  const names = new Set(columnNames)
  const setters = settersOf(catalog, sql)
  const context = chooseContext({
    told: hints.setting,
    evidence: own,
    columnNames: names,
    root,
    setters,
    notes,
  })
  if (note !== undefined) notes.push(note)
  const shared = { schemas, columnNames, root, tables: bound }
  const first: Tenancy = {
    ...shared,
    appRole: role,
    siblings,
    excluded,
    context,
    bindings: bindingsOf(own),
    notes,
  }
  const others = callers.map(({ role: caller, roles }): Tenancy => {
    const said: string[] = []
    const theirs = ofRoles(evidence, (oids) => oids.some((oid) => roles.has(oid)))
    const input = {
      told: undefined,
      evidence: theirs,
      columnNames: names,
      root,
      setters: [],
      notes: said,
    }
    const source = chooseContext(input)
    return {
      ...shared,
      appRole: caller,
      siblings: [],
      excluded: new Set([...acting].filter((oid) => oid !== caller.oid)),
      context: source,
      bindings: bindingsOf(theirs),
      notes: [`${caller.name} has a context of its own: ${describeSetting(source)}`],
    }
  })
  // If the tenant columns were given, do not look for personal tables.
  const personal = hints.tenantColumns === undefined ? personalTables(first, relations, own) : undefined
  return [freeze(first), ...[...others, ...(personal === undefined ? [] : [personal])].map(freeze)]
}

/** The tenant column. Undefined if there is none, and all tenants have a schema of their own. */
function chooseColumn(tables: readonly Relation[], evidence: Evidence, hints: DiscoveryHints) {
  try {
    return chooseColumnName(tables, evidence)
  } catch (error) {
    if (hints.fleetTables === undefined) throw error
    return undefined
  }
}

function freeze(tenancy: Tenancy): Tenancy {
  return Object.freeze(tenancy)
}

/** The application's role, the roles it can reach by SET ROLE, and other roles that requests act as. */
function actingOids(catalog: Catalog, app: Oid, siblings: Tenancy['siblings']): ReadonlySet<Oid> {
  const graph = roleGraph(catalog)
  return new Set([app, ...graph.settable(app).map(({ role }) => role.oid), ...siblings.map(({ oid }) => oid)])
}

/** The evidence of policies for some roles. Evidence from outside of policies counts for all roles. */
function ofRoles(evidence: Evidence, applies: (roles: readonly Oid[]) => boolean): Evidence {
  const fits = ({ roles }: { readonly roles: readonly Oid[] }) => roles.length === 0 || applies(roles)
  return { ...evidence, columns: evidence.columns.filter(fits), keys: evidence.keys.filter(fits) }
}

/** The schemas to judge. Without a given list: all schemas except partywall's own and the schemas of extensions. */
function chooseSchemas(catalog: Catalog, told: readonly string[] | undefined): ReadonlySet<string> {
  const known = [...catalog.schemas.values()]
    .filter((schema) => schema.extension === undefined)
    .map((schema) => schema.name)
  if (told === undefined) return new Set(known.filter((name) => name !== 'partywall'))
  const missing = told.filter((name) => !known.includes(name))
  if (missing.length > 0)
    throw new ConfigurationError(`There is no schema ${missing.map((name) => `"${name}"`).join(', ')}.`, {
      details: { candidates: known },
    })
  return new Set(told)
}
