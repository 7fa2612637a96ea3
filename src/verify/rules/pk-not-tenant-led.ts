import type { Column, Relation } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Rule } from '../finding/rule.ts'

export const pkNotTenantLed: Rule = {
  id: 'pk-not-tenant-led',
  group: 'context',
  title: 'The primary key does not start with the tenant',
  severity: 'info',
  meaning: 'EXPLAIN ANALYZE counts the row that a policy removed, which tells that another tenant has this id.',
  remedy: 'Use PRIMARY KEY (tenant_id, id) in new tables.',
  *run(facts) {
    for (const table of facts.tenancy.tables.values()) {
      if (table.kind !== 'tenant' || table.relation.isPartition) continue
      const { relation, column } = table
      const primary = relation.constraints.find((constraint) => constraint.kind === 'primary-key')
      const own = relation.columns.filter(({ number }) => primary?.columns.includes(number) && number !== column.number)
      const used = facts.reach(relation, 'SELECT').some((role) => facts.protectedFor(relation, role))
      if (primary === undefined || primary.columns[0] === column.number || !used) continue
      yield {
        object: relation.label,
        message: `The primary key of ${relation.label} does not start with ${column.name}: EXPLAIN ANALYZE tells whether another tenant has a row with the same ${own.map(({ name }) => name).join(', ')}.${!primary.columns.includes(column.number) && mayChoose(facts, relation, own) ? ' So does an INSERT that chooses the value: it ends with 23505.' : ''}`,
        evidence: [primary.definition],
        fix: `-- In a new table: PRIMARY KEY (${[column, ...own].map(({ name }) => quoteIdentifier(name)).join(', ')}).`,
      }
    }
  },
}

/**
 * Whether a role of the application may INSERT a value of its own into each of these columns. GENERATED ALWAYS AS IDENTITY does not prevent
 * it: the statement then says OVERRIDING SYSTEM VALUE.
 */
function mayChoose(facts: Facts, relation: Relation, columns: readonly Column[]): boolean {
  return facts.acting.some(({ role }) =>
    columns.every(
      (column) => column.generated === undefined && facts.privileges.onColumn(role.oid, relation, column, 'INSERT'),
    ),
  )
}
