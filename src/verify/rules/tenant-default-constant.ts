import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import { peel } from '../../prove/rewrite.ts'
import { contextSql } from '../../tenancy/policy-sql.ts'
import type { Rule } from '../finding/rule.ts'
import { settingsOfDefault } from '../readings/default-settings.ts'

export const tenantDefaultConstant: Rule = {
  id: 'tenant-default-constant',
  group: 'policy',
  ofProtect: 'always',
  title: 'The tenant column has a constant default',
  severity: 'medium',
  meaning: 'A row that is written without a tenant becomes a row of one real tenant.',
  remedy: 'Take the default from the setting of the session.',
  *run(facts) {
    const { context } = facts.tenancy
    for (const table of facts.tenancy.tables.values()) {
      if (table.kind !== 'tenant' || table.column.default === undefined) continue
      const { relation, column } = table
      const text = column.default ?? ''
      const parsed = facts.sql.expression(text)
      if (!parsed.ok || facts.reach(relation, 'INSERT').length === 0) continue
      const value = peel(parsed.value)
      const constant = value.kind === 'constant' && value.value !== null
      const { own, foreign } = settingsOfDefault(facts, parsed.value)
      if (!constant && (foreign.length === 0 || own.length > 0)) continue
      const why = constant ? 'a constant' : `the setting ${foreign[0]?.setting}`
      // If the setting holds a session key, only a subquery finds the tenant, and PostgreSQL allows no subquery in a column default.
      // SET DEFAULT NULL overrides the default of a domain too, which DROP DEFAULT would leave.
      const fix =
        context.kind === 'key'
          ? `ALTER TABLE ${qualifiedName(relation)} ALTER COLUMN ${quoteIdentifier(column.name)} SET DEFAULT NULL;`
          : `ALTER TABLE ${qualifiedName(relation)} ALTER COLUMN ${quoteIdentifier(column.name)} SET DEFAULT ${contextSql(facts, column).replace(/^\(select (.*)\)$/s, '($1)')};`
      yield {
        object: relation.label,
        detail: column.name,
        message: `The default of ${relation.label}.${column.name} is ${why}: a row written without a tenant becomes that tenant's.`,
        evidence: [`DEFAULT ${text}`],
        fix,
      }
    }
  },
}
