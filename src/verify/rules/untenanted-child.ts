import { qualifiedName } from '../../catalog/names.ts'
import type { Facts, TenantTable } from '../facts.ts'
import { rowTestSql } from '../policy-sql.ts'
import type { Rule } from '../rule.ts'
import { unheldVerbs } from './inherited.ts'
import { copiedFrom } from './shadow-copies.ts'

export const untenantedChild: Rule = {
  id: 'untenanted-child',
  group: 'rls',
  title: 'A child table has no tenant and no policy',
  severity: 'high',
  meaning: 'Line items, comments and attachments of every tenant are open, though their parents are protected.',
  remedy: 'Add the tenant column with a composite foreign key, or a policy that asks for the parent.',
  *run(facts) {
    for (const table of facts.tenancy.tables.values()) {
      if (table.kind !== 'child' || table.relation.isPartition || copiedFrom(facts, table.relation) !== undefined)
        continue
      const { relation } = table
      const verbs = unheldVerbs(facts, relation)
      if (verbs.length === 0 || isGlobalLookup(facts, table)) continue
      const link = table.parents[0]
      const test = rowTestSql(facts, relation)
      yield {
        object: relation.label,
        message: `${relation.label} belongs to ${link?.parent.label ?? 'a tenant table'} but has no tenant column and no policy: any tenant can ${verbs.join(', ')} the rows of all tenants.`,
        evidence: [`foreign key (${link?.columns.join(', ')}) → ${link?.parent.label}`],
        verbs,
        fix:
          test === undefined
            ? `-- Add a tenant column to ${qualifiedName(relation)}.`
            : `CREATE POLICY tenant_isolation_policy ON ${qualifiedName(relation)} FOR ALL USING (${test}) WITH CHECK (${test});\nALTER TABLE ${qualifiedName(relation)} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;`,
      }
    }
  },
}

/** A list for all that only remembers who made an entry: optional reference, and the app can only read it. */
function isGlobalLookup(facts: Facts, table: Extract<TenantTable, { kind: 'child' }>): boolean {
  const { relation, parents } = table
  const optional = parents.every((link) =>
    link.columns.some((name) => facts.columnNamed(relation, name)?.notNull === false),
  )
  const writable = (['INSERT', 'UPDATE', 'DELETE'] as const).some(
    (privilege) => facts.reach(relation, privilege).length > 0,
  )
  return optional && !writable
}
