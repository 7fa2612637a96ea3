import { quoteIdentifier } from '../../catalog/names.ts'
import { safeOwner } from '../../tenancy/owners.ts'
import type { Rule } from '../finding/rule.ts'
import { onThisDatabase, THIS_DATABASE } from '../readings/this-database.ts'

export const schemaOwnedByApp: Rule = {
  id: 'schema-owned-by-app',
  group: 'rls',
  title: 'The application owns a schema or the database',
  severity: 'high',
  meaning: 'The owner of a schema may drop tables in it that others own, and create functions and tables of its own.',
  remedy: 'Give the schema and the database to the migration role.',
  *run(facts) {
    const app = facts.tenancy.appRole.oid
    const becomable = new Set([app, ...facts.becomable.map((path) => path.role.oid)])
    const owner = quoteIdentifier(safeOwner(facts))
    const database = facts.catalog.database
    if (becomable.has(database.owner))
      yield {
        object: THIS_DATABASE,
        message: `The database belongs to ${facts.roleName(database.owner)}, which is the app's role or one that it can become: it may drop schemas and everything in those that pg_database_owner owns.`,
        evidence: [`owner ${facts.roleName(database.owner)}`],
        fix: onThisDatabase(`ALTER DATABASE %I OWNER TO ${owner}`),
      }
    for (const schema of facts.catalog.schemas.values()) {
      if (!facts.tenancy.schemas.has(schema.name) || !becomable.has(schema.owner)) continue
      // A schema of pg_database_owner belongs to the owner of the database, so the fix changes the owner of the database.
      if (facts.roleName(schema.owner) === 'pg_database_owner') continue
      yield {
        object: `schema ${schema.name}`,
        message: `Schema ${schema.name} belongs to ${facts.roleName(schema.owner)}, which is the app's role or one that it can become: it may drop the tables in it and plant others.`,
        evidence: [`owner ${facts.roleName(schema.owner)}`],
        fix: `ALTER SCHEMA ${quoteIdentifier(schema.name)} OWNER TO ${owner};`,
      }
    }
  },
}
