import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { unscopedIndexes } from '../readings/unique-keys.ts'

export const exclusionNotTenantScoped: Rule = {
  id: 'exclusion-not-tenant-scoped',
  group: 'key',
  ofProtect: 'always',
  title: 'An exclusion constraint is shared by all tenants',
  severity: 'medium',
  meaning:
    'The constraint compares rows of all tenants: a refused value tells that another tenant has it, and a taken value blocks the others.',
  remedy: 'Put the tenant column into the constraint: tenant_id WITH =.',
  *run(facts) {
    for (const found of unscopedIndexes(facts)) {
      const { relation, name, table, index } = found
      if (!found.exclusion || found.tenantInside) continue
      if (facts.reach(relation, 'INSERT').length === 0 && facts.reach(relation, 'UPDATE').length === 0) continue
      const constraint = relation.constraints.find(
        (candidate) => candidate.index === index.oid && candidate.kind !== 'foreign-key',
      )
      const definition = constraint?.definition ?? index.definition
      const column = table.column === undefined ? undefined : quoteIdentifier(table.column.name)
      const scoped = definition.replace(
        '(',
        constraint?.withoutOverlaps === true ? `(${column}, ` : `(${column} WITH =, `,
      )
      const sql = `ALTER TABLE ${qualifiedName(relation)} DROP CONSTRAINT IF EXISTS ${quoteIdentifier(name)}, ADD CONSTRAINT ${quoteIdentifier(name)} ${scoped};`
      yield {
        object: relation.label,
        detail: name,
        message: `${name} on ${relation.label} compares the rows of all tenants: error 23P01 tells a tenant that another tenant uses a certain value, and a value that one tenant uses is blocked for the others.`,
        evidence: [definition],
        fix:
          column === undefined || constraint === undefined
            ? `-- Add the tenant column to ${quoteIdentifier(name)} of ${qualifiedName(relation)}.`
            : `CREATE EXTENSION IF NOT EXISTS btree_gist;\n${sql}`,
      }
    }
  },
}
