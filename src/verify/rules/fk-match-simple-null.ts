import type { Column } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { canReference, type TenantForeignKey, tenantForeignKeys } from '../readings/foreign-keys.ts'

export const fkMatchSimpleNull: Rule = {
  id: 'fk-match-simple-null',
  group: 'key',
  ofProtect: 'always',
  title: 'A composite foreign key is not checked when one column is NULL',
  severity: 'medium',
  meaning:
    'MATCH SIMPLE checks nothing when any column of the key is NULL: a row without a tenant can refer to any row.',
  remedy: 'Declare the columns NOT NULL, or use MATCH FULL.',
  *run(facts) {
    for (const key of tenantForeignKeys(facts)) {
      if (!key.pairsTenant || key.columns.length < 2 || key.references.match !== 'simple' || !canReference(facts, key))
        continue
      const tenant = key.table.column
      const others = key.columns.filter((column) => column !== tenant)
      const loose =
        tenant !== undefined && !tenant.notNull
          ? [tenant]
          : // An optional reference may be NULL in all columns. The gap is a nullable column beside a NOT NULL one, unless another
            // foreign key always checks the NOT NULL one.
            others.some((column) => column.notNull && !isAlwaysChecked(key, column))
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
        // WITH CHECK (tenant = context) refuses rows without a tenant.
        ...(first === tenant && strict
          ? chosenSeverity('low', 'It is proved that the policies let no role in reach store a row without a tenant.')
          : {}),
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

/** Whether another foreign key of the table pairs this column with the tenant, and has only NOT NULL columns. */
function isAlwaysChecked(key: TenantForeignKey, column: Column): boolean {
  return key.relation.constraints.some(
    (other) =>
      other !== key.constraint &&
      other.references !== undefined &&
      other.columns.includes(column.number) &&
      (key.table.column === undefined || other.columns.includes(key.table.column.number)) &&
      key.relation.columns.every((own) => own.notNull || !other.columns.includes(own.number)),
  )
}
