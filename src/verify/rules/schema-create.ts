import { quoteIdentifier } from '../../catalog/names.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { granteeList, usableGrantees } from '../readings/grantees.ts'
import { onThisDatabase, THIS_DATABASE } from '../readings/this-database.ts'

export const schemaCreate: Rule = {
  id: 'schema-create',
  group: 'object',
  title: 'The application may create objects',
  severity: 'high',
  meaning:
    'A function, operator or table that an attacker plants in the search_path is called by others: triggers, jobs, the owner.',
  remedy: 'Revoke CREATE on schemas and on the database.',
  *run(facts) {
    const { database } = facts.catalog
    for (const schema of facts.catalog.schemas.values()) {
      if (schema.extension !== undefined || schema.name.startsWith('pg_')) continue
      const grantees = usableGrantees(facts, schema.grants, 'CREATE', schema.owner)
      if (grantees.length === 0) continue
      const list = granteeList(facts, grantees)
      yield {
        object: `schema ${schema.name}`,
        message: `The app may create objects in schema ${schema.name}: functions, operators and tables there are used instead of those that others mean.`,
        evidence: [`CREATE granted to ${list}`],
        fix: `REVOKE CREATE ON SCHEMA ${quoteIdentifier(schema.name)} FROM ${list};`,
      }
    }
    const grantees = usableGrantees(facts, database.grants, 'CREATE', database.owner)
    if (grantees.length === 0) return
    const list = granteeList(facts, grantees)
    yield {
      object: THIS_DATABASE,
      ...chosenSeverity(
        'medium',
        'CREATE on the database makes new schemas, and puts nothing into a schema that is there.',
      ),
      message: `The app may create schemas: one that has the name of a role comes first in that role's search path.`,
      evidence: [`CREATE on the database granted to ${list}`],
      fix: onThisDatabase(`REVOKE CREATE ON DATABASE %I FROM ${list}`),
    }
  },
}
