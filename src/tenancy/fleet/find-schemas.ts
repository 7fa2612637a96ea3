import type { Oid, Queryable } from '../../catalog/model.ts'
import { tenantNameWeight } from '../discovery/tenant-names.ts'
import type { RegisteredSchema } from './fleet.ts'

/** A schema, with the facts that tell whether it belongs to one tenant. */
interface Candidate extends Record<string, unknown> {
  readonly oid: Oid
  readonly name: string
  /** `name shape` of each table. */
  readonly tables: readonly string[]
  readonly columns: readonly string[]
  /** Whether a policy of one of its tables reads a column of that table. */
  readonly readsColumns: boolean
}

export interface FoundSchemas {
  readonly schemas: readonly { readonly oid: Oid; readonly name: string }[]
  readonly registry: readonly RegisteredSchema[] | undefined
  /** A sentence that says how the schemas were found. */
  readonly how: string
}

/** Whether a name fits a pattern of `--tenant-schemas`: `*` stands for any text. */
export function matchesPattern(name: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  if (!name.startsWith(first)) return false
  const last = rest.pop()
  if (last === undefined) return name === first
  let at = first.length
  for (const part of rest) {
    const found = name.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return name.length - last.length >= at && name.endsWith(last)
}

/**
 * Finds the schemas that belong to one tenant each: the schemas of the registry `partywall.schemas`, and the schemas that match the given
 * patterns. If there are no such schemas and no patterns, it takes schemas whose names begin alike.
 *
 * @param withSameTables true: schemas whose names begin alike are taken only if a table occurs in two of them. false: the names are
 *   enough, because the database has no tenant column
 */
export async function findTenantSchemas(
  db: Queryable,
  patterns: readonly string[],
  withSameTables = true,
): Promise<FoundSchemas> {
  const registry = await readRegistry(db)
  const registered = new Set(registry?.map(({ schema }) => schema))
  const { rows: names } = await db.query<{ oid: Oid; name: string }>(NAMES)
  const chosen = names.filter(
    ({ name }) => registered.has(name) || patterns.some((pattern) => matchesPattern(name, pattern)),
  )
  if (chosen.length > 0 || patterns.length > 0)
    return {
      schemas: chosen,
      registry,
      how: `${chosen.length} schemas of one tenant each, ${registered.size} of them in partywall.schemas`,
    }
  // Most databases have no two schemas with such names. Then the shapes of the tables need not be read.
  const rows = groupsAlike(names).length === 0 ? [] : (await db.query<Candidate>(CANDIDATES)).rows
  const alike = schemasAlike(rows, withSameTables)
  return { schemas: alike, registry, how: `${alike.length} schemas whose names begin alike: taken for one tenant each` }
}

/** The schemas of the registry `partywall.schemas` that exist. */
export async function findRegisteredSchemas(db: Queryable): Promise<FoundSchemas> {
  const registry = await readRegistry(db)
  const registered = new Set(registry?.map(({ schema }) => schema))
  if (registered.size === 0) return { schemas: [], registry, how: 'no schema in partywall.schemas' }
  const { rows } = await db.query<{ oid: Oid; name: string }>(NAMES)
  const schemas = rows.filter(({ name }) => registered.has(name))
  return { schemas, registry, how: `${schemas.length} schemas of one tenant each in partywall.schemas` }
}

/** Groups of at least two schemas whose names have the same beginning, up to an underscore or a dash. */
function groupsAlike<T extends { readonly name: string }>(schemas: readonly T[]): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>()
  for (const schema of schemas) {
    if (schema.name === 'public' || schema.name === 'partywall') continue
    const beginning = /^(.+?)[_-]/.exec(schema.name)?.[1]
    if (beginning === undefined) continue
    const group = groups.get(beginning)
    if (group === undefined) groups.set(beginning, [schema])
    else group.push(schema)
  }
  return [...groups.values()].filter((group) => group.length >= 2)
}

function schemasAlike(rows: readonly Candidate[], withSameTables: boolean): readonly Candidate[] {
  return groupsAlike(rows)
    .filter((group) => isFleet(group, withSameTables))
    .flat()
}

function isFleet(group: readonly Candidate[], withSameTables: boolean): boolean {
  if (group.every(({ tables }) => tables.length === 0)) return false
  // A policy on a column, or a column that names a tenant, says that rows of several tenants share the table.
  if (group.some(({ readsColumns, columns }) => readsColumns || columns.some((name) => tenantNameWeight(name) === 2)))
    return false
  if (!withSameTables) return true
  const counts = new Map<string, number>()
  for (const { tables } of group) for (const table of tables) counts.set(table, (counts.get(table) ?? 0) + 1)
  return [...counts.values()].some((count) => count >= 2)
}

async function readRegistry(db: Queryable): Promise<readonly RegisteredSchema[] | undefined> {
  const { rows } = await db.query<{ readable: boolean | null }>(
    // Do not use to_regclass(): it raises an error for a role without USAGE on the schema.
    `select pg_catalog.has_schema_privilege(n.oid, 'USAGE') and pg_catalog.has_table_privilege(c.oid, 'SELECT') as readable
     from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = 'partywall' and c.relname = 'schemas'`,
  )
  if (rows[0]?.readable !== true) return undefined
  const registered = await db.query<{ schema: string; tenant: string; oid: Oid }>(
    'select schema_name as schema, tenant_id as tenant, schema_oid::int8::float8 as oid from partywall.schemas order by 1',
  )
  return registered.rows
}

/** A hash of the columns of the table `c` in schema `n`. Types of the schema itself are written without its name. */
export const SHAPE = `(select pg_catalog.md5(pg_catalog.string_agg(a.attname || ' ' || case when a.atttypid < 16384 then a.atttypid || '/' || a.atttypmod else pg_catalog.replace(pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.quote_ident(n.nspname) || '.', '') end || ' ' || a.attnotnull, ',' order by a.attname))
    from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)`

const NOT_OF_SYSTEM_OR_EXTENSION = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and d.objid = n.oid and d.deptype = 'e')`

const NAMES = `
  select n.oid::int8::float8 as oid, n.nspname::text as name from pg_catalog.pg_namespace n where ${NOT_OF_SYSTEM_OR_EXTENSION} order by 2`

const CANDIDATES = `
  select n.oid::int8::float8 as oid, n.nspname::text as name,
    array(select c.relname || ' ' || ${SHAPE} from pg_catalog.pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'p') order by 1) as tables,
    array(select distinct a.attname::text from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           where c.relnamespace = n.oid and c.relkind in ('r', 'p')) as columns,
    exists (select from pg_catalog.pg_class c join pg_catalog.pg_policy p on p.polrelid = c.oid
              join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid and d.refobjid = c.oid and d.refobjsubid > 0
             where c.relnamespace = n.oid) as "readsColumns"
  from pg_catalog.pg_namespace n
  where ${NOT_OF_SYSTEM_OR_EXTENSION}
  order by 2`
