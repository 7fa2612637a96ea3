import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Rule } from '../finding/rule.ts'
import { type UnscopedIndex, unscopedIndexes } from '../readings/unique-keys.ts'

export const uniqueNotTenantScoped: Rule = {
  id: 'unique-not-tenant-scoped',
  group: 'key',
  ofProtect: 'always',
  title: 'A unique key is shared by all tenants',
  severity: 'medium',
  meaning:
    'Uniqueness is checked over all tenants: a refused value tells that another tenant has it, and a taken value blocks the others.',
  remedy: 'Put the tenant column first in the unique key.',
  *run(facts) {
    for (const found of unscopedIndexes(facts)) {
      const { relation, index, name, table } = found
      if (found.exclusion || found.tenantInside) continue
      if (!mayChoose(facts, found)) continue
      const key = keyText(index.definition)
      yield {
        object: relation.label,
        detail: name,
        message: `${name} on ${relation.label} is unique over all tenants: error 23505 tells a tenant that another tenant has the same ${key}, and a taken value blocks the others.`,
        evidence: [index.definition],
        fix:
          table.column === undefined
            ? `-- Add a tenant column to ${qualifiedName(relation)} and put it first in ${quoteIdentifier(name)}.`
            : scopedSql(facts, found, quoteIdentifier(table.column.name)),
      }
    }
  },
}

/** Whether some role of the application may choose a value of the key, by INSERT or by UPDATE of a column of the key. */
function mayChoose(facts: Facts, { relation, columns }: UnscopedIndex): boolean {
  return (
    facts.reach(relation, 'INSERT').length > 0 ||
    facts
      .reach(relation, 'UPDATE')
      .some(({ role }) => columns.some((column) => facts.privileges.onColumn(role.oid, relation, column, 'UPDATE')))
  )
}

function scopedSql(facts: Facts, { relation, index, name }: UnscopedIndex, tenant: string): string {
  const table = qualifiedName(relation)
  const constraint = relation.constraints.find(
    (candidate) => candidate.index === index.oid && candidate.kind !== 'foreign-key',
  )
  const quoted = quoteIdentifier(name)
  if (constraint === undefined) {
    const scoped = index.definition.replace(/( USING \w+ \()/, `$1${tenant}, `)
    return `DROP INDEX IF EXISTS ${quoteIdentifier(relation.schema)}.${quoted};\n${scoped};`
  }
  const referenced = [...facts.catalog.relations.values()].some((other) =>
    other.constraints.some((candidate) => candidate.references !== undefined && candidate.index === index.oid),
  )
  const scoped = constraint.definition.replace('(', `(${tenant}, `)
  const add = `ADD CONSTRAINT ${quoted} ${scoped};`
  return referenced
    ? `-- Foreign keys refer to ${quoted}. Add a unique key with the tenant, and make the foreign keys composite. Then:\n-- ALTER TABLE ${table} DROP CONSTRAINT ${quoted}, ${add}`
    : `ALTER TABLE ${table} DROP CONSTRAINT IF EXISTS ${quoted}, ${add}`
}

/** The key part of an index definition, in parentheses. */
function keyText(definition: string): string {
  return /USING \w+ (\(.*)$/.exec(definition)?.[1] ?? definition
}
