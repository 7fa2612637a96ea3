import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'

export const tenantColumnNullable: Rule = {
  id: 'tenant-column-nullable',
  group: 'policy',
  ofProtect: 'always',
  title: 'The tenant column may be NULL',
  severity: 'medium',
  meaning:
    'Rows without a tenant belong to nobody, or later to everybody, and composite foreign keys do not check them.',
  remedy: 'Run ALTER TABLE … ALTER COLUMN … SET NOT NULL on the tenant column.',
  *run(facts) {
    for (const table of facts.tenancy.tables.values()) {
      if (table.kind !== 'tenant' || table.column.notNull || table.relation.isPartition) continue
      const { relation, column } = table
      const writers = [...facts.reach(relation, 'INSERT'), ...facts.reach(relation, 'UPDATE')]
      if (writers.length === 0) continue
      const checked = writers.every((role) =>
        (['insert', 'update'] as const).every((verb) =>
          ['proved', 'dark'].includes(facts.proofs.of(relation, verb, role).status),
        ),
      )
      yield {
        object: relation.label,
        detail: column.name,
        ...(checked ? chosenSeverity('low', 'The policies refuse NULL for the roles in reach.') : {}),
        message: `${relation.label}.${column.name} may be NULL: such a row belongs to no tenant, and foreign keys that carry the tenant do not check it.`,
        evidence: [checked ? 'WITH CHECK refuses NULL for the app' : 'nothing refuses NULL for the app'],
        fix: [
          '-- Fails as long as rows have NULL there: give them a tenant or delete them first. If a trigger refuses to change the tenant of a row,',
          '-- the owner of the table disables the trigger for that transaction.',
          `ALTER TABLE ${qualifiedName(relation)} ALTER COLUMN ${quoteIdentifier(column.name)} SET NOT NULL;`,
        ].join('\n'),
      }
    }
  },
}
