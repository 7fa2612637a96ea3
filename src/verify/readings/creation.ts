import type { ActingRole, Facts } from '../../tenancy/facts.ts'

/** Names of the schemas in which the role may create objects. */
export function creatableSchemas(facts: Facts, role: ActingRole): readonly string[] {
  return [...facts.catalog.schemas.values()]
    .filter((schema) => facts.privileges.onSchema(role.role.oid, schema.oid, 'CREATE'))
    .map((schema) => schema.name)
    .sort()
}

/** The privilege by which the role can create a function, in a schema or in pg_temp. Undefined if it can't. */
export function canMakeFunctions(facts: Facts, role: ActingRole): string | undefined {
  const schema = creatableSchemas(facts, role)[0]
  if (schema !== undefined) return `CREATE on schema ${schema}`
  if (facts.privileges.onDatabase(role.role.oid, 'CREATE')) return 'CREATE on the database'
  return facts.privileges.onDatabase(role.role.oid, 'TEMPORARY') ? 'TEMPORARY on the database' : undefined
}

/** The privilege by which the role can create a permanent table. Undefined if it can't. */
export function canMakeTables(facts: Facts, role: ActingRole): string | undefined {
  const schema = creatableSchemas(facts, role)[0]
  if (schema !== undefined) return `CREATE on schema ${schema}`
  return facts.privileges.onDatabase(role.role.oid, 'CREATE') ? 'CREATE on the database' : undefined
}
