import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'

export const schemaSharedName: Rule = {
  id: 'schema-shared-name',
  group: 'object',
  title: 'A name of a tenant’s schema exists in a schema of all tenants',
  severity: 'high',
  meaning:
    'Where the tenant’s schema lacks the table, an honest query reads and writes the common one, with the rows of other tenants.',
  remedy: 'Rename the common object, or leave its schema out of the path of tenants that have a schema.',
  *run(facts) {
    for (const { label, isRelation, protected: walled, schemas } of facts.fleet?.sharedNames ?? []) {
      // Tenants without a schema of their own share this table, and its policies keep their rows apart.
      if (walled && isRelation) continue
      yield {
        object: label,
        ...(isRelation ? {} : chosenSeverity('low', 'It is a type, which holds no rows.')),
        message: isRelation
          ? `${label} has the name of a table in ${schemas} tenants’ schemas, and no policies. If its schema comes after the tenant’s schema in search_path, and the tenant’s schema lacks the table, a query of the tenant uses this table.`
          : `Type ${label} has the name of a type in ${schemas} tenants’ schemas: which one a statement means depends on search_path.`,
        fix: `-- Decide: rename ${label}, drop it, or take its schema out of lookupSchemas.`,
        ...(isRelation ? { verbs: ['select' as const, 'insert' as const, 'update' as const] } : {}),
      }
    }
  },
}
