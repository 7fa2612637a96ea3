import type { BlindKey, Index, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { CureIndex, IndexCure } from '../../tenancy/index-cures.ts'

/**
 * The fix for a blind key as SQL. Partial indexes can be created at once; a generated column is a comment, because it rewrites the table and
 * queries must name it.
 */
export function cureSql(relation: Relation, index: Index, key: BlindKey, cure: IndexCure): string {
  if (cure.kind === 'advice') return `-- ${index.name}, ${key.key}: ${cure.advice}.`
  const table = qualifiedName(relation)
  if (cure.kind === 'partial')
    return [
      '-- On a table in use, run CREATE INDEX CONCURRENTLY outside a transaction. The index serves queries that compare with a value or a parameter of the enum, but not with Prisma’s CAST($1::text AS …).',
      ...cure.indexes.map((made) => createIndex(table, made)),
    ].join('\n')
  return [
    `-- ${index.name}, ${key.key}: a generated column. ADD COLUMN rewrites the table and locks it meanwhile, and queries must change: ${cure.query}`,
    `-- ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${quoteIdentifier(cure.column)} ${cure.type} GENERATED ALWAYS AS (${cure.expression}) STORED;`,
    `-- ${createIndex(table, cure.index)}`,
  ].join('\n')
}

function createIndex(table: string, { name, columns, where }: CureIndex): string {
  const condition = where === undefined ? '' : ` WHERE ${where}`
  return `CREATE INDEX IF NOT EXISTS ${quoteIdentifier(name)} ON ${table} (${columns.map(quoteIdentifier).join(', ')})${condition};`
}
