import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { compositeForeignKeySql, tenantForeignKeys } from '../readings/foreign-keys.ts'

export const fkSetNullClearsTenant: Rule = {
  id: 'fk-set-null-clears-tenant',
  group: 'key',
  title: 'Deleting the parent clears the tenant of the row',
  severity: 'high',
  meaning:
    'ON DELETE SET NULL without a column list also clears the tenant column: the row then belongs to nobody, or to everybody.',
  remedy: 'Name the columns: ON DELETE SET NULL (parent_id).',
  *run(facts) {
    for (const key of tenantForeignKeys(facts)) {
      const { onDelete, onUpdate, setColumns } = key.references
      const tenant = key.table.column
      if (tenant === undefined || !key.columns.includes(tenant) || key.columns.length < 2) continue
      const deletes =
        (onDelete === 'set-null' || onDelete === 'set-default') &&
        (setColumns.length === 0 || setColumns.includes(tenant.number))
      const updates = onUpdate === 'set-null' || onUpdate === 'set-default'
      if (!deletes && !updates) continue
      yield {
        object: key.relation.label,
        detail: key.constraint.name,
        // If the tenant column is NOT NULL, PostgreSQL refuses to delete the parent, and no row loses its tenant.
        ...(tenant.notNull
          ? chosenSeverity(
              'medium',
              `PostgreSQL refuses to clear ${tenant.name}, which is NOT NULL: no row loses its tenant.`,
            )
          : {}),
        message: tenant.notNull
          ? `Foreign key ${key.constraint.name} of ${key.relation.label} would clear ${tenant.name} too when the parent is deleted; it is NOT NULL, so a parent with such rows cannot be deleted.`
          : `Foreign key ${key.constraint.name} of ${key.relation.label} clears ${tenant.name} too when the parent is deleted: the row loses its tenant.`,
        evidence: [key.constraint.definition],
        fix: compositeForeignKeySql(key),
      }
    }
  },
}
