import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'

export const sequenceOracle: Rule = {
  id: 'sequence-oracle',
  group: 'key',
  title: 'A number that is shown to people counts the rows of all tenants',
  severity: 'low',
  meaning: 'An invoice or order number from a shared sequence tells each tenant how many rows the others write.',
  remedy: 'Use a counter per tenant, or random ids.',
  *run(facts) {
    for (const table of facts.tenancy.tables.values()) {
      const { relation } = table
      if (table.kind === 'root' || relation.isPartition || facts.reach(relation, 'SELECT').length === 0) continue
      for (const column of relation.columns) {
        if (!isCounted(column) || !isShown(relation, column)) continue
        yield {
          object: relation.label,
          detail: column.name,
          message: `${relation.label}.${column.name} is drawn from one sequence for all tenants: from two of its own numbers a tenant learns how many rows others made in between.`,
          evidence: [column.default ?? `identity ${column.identity}`],
          fix: `-- A counter per tenant takes the place of the sequence:\n${undrawnSql(relation, column)}`,
        }
      }
    }
  },
}

/** DROP IDENTITY comes first: another fix may have turned the serial column into an identity column, for which DROP DEFAULT fails. */
function undrawnSql(relation: Relation, column: Column): string {
  const alter = `ALTER TABLE ${qualifiedName(relation)} ALTER COLUMN ${quoteIdentifier(column.name)}`
  const identity = `${alter} DROP IDENTITY IF EXISTS;`
  return column.identity === undefined ? `${identity}\n${alter} DROP DEFAULT;` : identity
}

function isCounted(column: Column): boolean {
  return column.identity !== undefined || /\bnextval\(/.test(column.default ?? '')
}

/** Whether the column is a number that people see, such as an invoice number, and not the primary key. */
function isShown(relation: Relation, column: Column): boolean {
  const primary = relation.constraints.some(
    (constraint) => constraint.kind === 'primary-key' && constraint.columns.includes(column.number),
  )
  return !primary && /(^|_)(no|nr|num|number|seq|sequence|ref|reference|code|ticket|invoice|order)$/i.test(column.name)
}
