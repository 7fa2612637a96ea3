import type { ActingRole, Facts } from '../../tenancy/facts.ts'

/** Schemas of the user's in which the role may create, by name. */
export function creatableSchemas(facts: Facts, role: ActingRole): readonly string[] {
  return [...facts.catalog.schemas.values()]
    .filter((schema) => facts.privileges.onSchema(role.role.oid, schema.oid, 'CREATE'))
    .map((schema) => schema.name)
    .sort()
}

/** Where the role can put a function of its own: a schema, or pg_temp; undefined: nowhere. */
export function canMakeFunctions(facts: Facts, role: ActingRole): string | undefined {
  const schema = creatableSchemas(facts, role)[0]
  if (schema !== undefined) return `CREATE on schema ${schema}`
  if (facts.privileges.onDatabase(role.role.oid, 'CREATE')) return 'CREATE on the database'
  return facts.privileges.onDatabase(role.role.oid, 'TEMPORARY') ? 'TEMPORARY on the database' : undefined
}

/** Where the role can put a permanent table of its own. */
export function canMakeTables(facts: Facts, role: ActingRole): string | undefined {
  const schema = creatableSchemas(facts, role)[0]
  if (schema !== undefined) return `CREATE on schema ${schema}`
  return facts.privileges.onDatabase(role.role.oid, 'CREATE') ? 'CREATE on the database' : undefined
}
