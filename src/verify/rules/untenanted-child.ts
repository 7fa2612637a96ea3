import type { Relation } from '../../catalog/model.ts'
import { qualifiedName } from '../../catalog/names.ts'
import { walkBody } from '../../sql/walk.ts'
import type { Facts, TenantTable } from '../../tenancy/facts.ts'
import { createPolicySql, rowTestSql } from '../../tenancy/policy-sql.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { unheldVerbs } from '../readings/inherited.ts'
import { copiedFrom } from '../readings/shadow-copies.ts'

export const untenantedChild: Rule = {
  id: 'untenanted-child',
  group: 'rls',
  ofProtect: 'always',
  title: 'A child table has neither a tenant column nor a policy',
  severity: 'high',
  meaning: 'Line items, comments and attachments of every tenant are open, although their parents are protected.',
  remedy: 'Add the tenant column with a composite foreign key, or a policy that looks up the parent.',
  *run(facts) {
    for (const table of facts.tenancy.tables.values()) {
      if (table.kind !== 'child' || table.relation.isPartition || copiedFrom(facts, table.relation) !== undefined)
        continue
      const { relation } = table
      const verbs = unheldVerbs(facts, relation)
      if (verbs.length === 0) continue
      const link = table.parents[0]
      if (isGlobalLookup(facts, table)) {
        yield {
          object: relation.label,
          ...chosenSeverity('info', 'verify assumes a list that all tenants share and may read.'),
          message: `All tenants can read ${relation.label}, including ${link?.columns.join(', ')}, which refers to a row of ${link?.parent.label}. verify assumes that ${relation.label} is a list that all tenants share, because neither the application nor a function writes it.`,
          evidence: [`foreign key (${link?.columns.join(', ')}) → ${link?.parent.label}`],
          verbs,
          fix: `-- Leave ${link?.columns.join(', ')} out of the grant on ${qualifiedName(relation)}, or give the table a policy if it contains rows of tenants.`,
        }
        continue
      }
      const test = rowTestSql(facts, relation)
      yield {
        object: relation.label,
        message: `${relation.label} belongs to ${link?.parent.label ?? 'a tenant table'} but has no tenant column and no policy: any tenant can ${verbs.join(', ')} the rows of all tenants.`,
        evidence: [`foreign key (${link?.columns.join(', ')}) → ${link?.parent.label}`],
        verbs,
        fix:
          test === undefined
            ? `-- Add a tenant column to ${qualifiedName(relation)}.`
            : `${createPolicySql(relation, 'tenant_isolation_policy', `FOR ALL USING (${test}) WITH CHECK (${test})`)}\nALTER TABLE ${qualifiedName(relation)} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;`,
      }
    }
  },
}

// Columns that say who created or changed a row. `user_id` does not: it says who owns the row.
const AUTHOR_NAME =
  /^(last_)?(added|created|changed|edited|updated|modified|imported|uploaded|published|approved|reviewed|deleted|removed|archived|maintained)_?by(_(user|member|account|person|staff|profile|admin))?(_?id)?$|^(author|editor|creator|updater|maintainer)(_?id)?$/i

/**
 * Whether the table is a shared list: its foreign keys can be NULL and only say who created or changed a row, and neither the application nor a function of
 * the database writes the table.
 */
function isGlobalLookup(facts: Facts, table: Extract<TenantTable, { kind: 'child' }>): boolean {
  const { relation, parents } = table
  const remembers = parents.every((link) =>
    link.columns.every((name) => {
      const column = facts.columnNamed(relation, name)
      return column?.notNull === false && AUTHOR_NAME.test(snakeCased(name))
    }),
  )
  if (!remembers) return false
  const writable = (['INSERT', 'UPDATE', 'DELETE'] as const).some(
    (privilege) => facts.reach(relation, privilege).length > 0,
  )
  return !writable && !isWrittenByCode(facts, relation)
}

function isWrittenByCode(facts: Facts, relation: Relation): boolean {
  let written = false
  for (const fn of facts.functions) {
    walkBody(facts.sql.body(fn), {
      query: ({ target }) => {
        written ||= target !== undefined && facts.relationNamed(target.schema, target.name) === relation
      },
    })
  }
  return written
}

function snakeCased(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2')
}
