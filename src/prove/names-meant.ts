import type { DatabaseFunction, Relation } from '../catalog/model.ts'
import type { Facts } from '../tenancy/facts.ts'
import type { SearchPath } from './scope.ts'

/** search_path of a function's body. Undefined for a BEGIN ATOMIC body: the server prints it with all schemas. */
export function pathOf(fn: DatabaseFunction): SearchPath | undefined {
  if (fn.atomicBody !== undefined) return undefined
  const set = fn.config.get('search_path')
  if (set === undefined) return { schemas: undefined }
  return { schemas: set.split(',').map((name) => name.trim().replace(/^"(.*)"$/, '$1')) }
}

/** The relation that a name means. Undefined if the name could mean several relations, or a temporary table. */
export function relationMeant(
  facts: Facts,
  { schema, name }: { readonly schema: string | undefined; readonly name: string },
  path: SearchPath | undefined,
): Relation | undefined {
  if (schema !== undefined) return facts.relationNamed(schema, name)
  if (path === undefined) return undefined
  const { schemas } = path
  const named = [...facts.catalog.relations.values()].filter(
    (relation) => relation.name === name && (schemas === undefined || schemas.includes(relation.schema)),
  )
  const [only, ...more] = named
  if (only === undefined || more.length > 0) return undefined
  // PostgreSQL looks for temporary tables first, unless search_path names pg_temp at a later place.
  const temporary = schemas?.indexOf('pg_temp') ?? -1
  const shadowed = temporary < 0 || temporary < (schemas?.indexOf(only.schema) ?? 0)
  return shadowed && mayMakeTables(facts) ? undefined : only
}

function mayMakeTables(facts: Facts): boolean {
  return facts.acting.some((role) => facts.privileges.onDatabase(role.role.oid, 'TEMPORARY'))
}

/** Whether a role of the application can create functions, operators or types, which a body without a fixed search_path would then use. */
export function mayPlant(facts: Facts): boolean {
  const roles = [...facts.acting.map(({ role }) => role), ...facts.becomable.map(({ role }) => role)]
  return roles.some(
    (role) =>
      facts.privileges.onDatabase(role.oid, 'CREATE') ||
      [...facts.catalog.schemas.keys()].some((schema) => facts.privileges.onSchema(role.oid, schema, 'CREATE')),
  )
}
