import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Rule } from '../rule.ts'
import { canReference, tenantForeignKeys } from './foreign-keys.ts'

export const fkMatchSimpleNull: Rule = {
  id: 'fk-match-simple-null',
  group: 'key',
  title: 'A composite foreign key is not checked when one column is NULL',
  severity: 'medium',
  meaning: 'MATCH SIMPLE checks nothing when any column is NULL: a row without a tenant refers to any row.',
  remedy: 'NOT NULL on the columns, or MATCH FULL.',
  *run(facts) {
    for (const key of tenantForeignKeys(facts)) {
      if (!key.pairsTenant || key.columns.length < 2 || key.references.match !== 'simple' || !canReference(facts, key))
        continue
      const tenant = key.table.column
      const others = key.columns.filter((column) => column !== tenant)
      const loose =
        tenant !== undefined && !tenant.notNull
          ? [tenant]
          : // An optional reference is NULL as a whole; only a part that can be NULL beside one that can't is a gap.
            others.some((column) => column.notNull)
            ? others.filter((column) => !column.notNull)
            : []
      const first = loose[0]
      if (first === undefined) continue
      const strict = (['insert', 'update'] as const).every((verb) =>
        facts
          .reach(key.relation, verb === 'insert' ? 'INSERT' : 'UPDATE')
          .every((role) => ['proved', 'dark'].includes(facts.proofs.of(key.relation, verb, role).status)),
      )
      yield {
        object: key.relation.label,
        detail: key.constraint.name,
        // WITH CHECK (tenant = context) lets no row without a tenant through.
        ...(first === tenant && strict ? { severity: 'low' as const } : {}),
        message: `Foreign key ${key.constraint.name} of ${key.relation.label} checks nothing when ${first.name} is NULL: such a row may refer to anything.`,
        evidence: [`MATCH SIMPLE, ${loose.map((column) => `${column.name} is nullable`).join(', ')}`],
        fix: loose
          .map(
            (column) =>
              `ALTER TABLE ${qualifiedName(key.relation)} ALTER COLUMN ${quoteIdentifier(column.name)} SET NOT NULL;`,
          )
          .join('\n'),
      }
    }
  },
}
