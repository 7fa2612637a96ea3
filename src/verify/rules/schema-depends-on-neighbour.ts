import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'

export const schemaDependsOnNeighbour: Rule = {
  id: 'schema-depends-on-neighbour',
  group: 'object',
  title: 'An object of one tenant’s schema depends on the schema of another',
  severity: 'high',
  meaning:
    'A foreign key ignores policies and tells or deletes rows across tenants, and dropping one tenant’s schema takes parts of another with it.',
  remedy: 'Let each schema depend on itself and on schemas that belong to no tenant.',
  *run(facts) {
    for (const { label, object, neighbour, neighbourObject, schema } of facts.fleet?.edges ?? []) {
      const isExtension = neighbour === schema
      yield {
        object: label,
        detail: object,
        ...(isExtension
          ? chosenSeverity('medium', 'The extension reads no rows of a neighbour: the risk is in dropping the schema.')
          : {}),
        message: isExtension
          ? `${object} is installed in the schema of one tenant: dropping the schema drops the columns of other tenants that use it.`
          : `${object} depends on ${neighbourObject} in schema ${neighbour}, which belongs to another tenant.`,
        evidence: [`${object} -> ${neighbourObject}`],
        fix: isExtension
          ? `-- ALTER EXTENSION … SET SCHEMA <a schema of no tenant>;`
          : `-- Create the object again so that it refers to schema ${schema}. Foreign keys: drop the constraint, and add it to the table of its own schema.`,
      }
    }
  },
}
