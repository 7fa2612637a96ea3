import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import { objectName } from '../../catalog/object-name.ts'
import { type Change, NOTHING, type Part } from '../change.ts'
import { doBlock } from '../sql-text.ts'
import type { Target } from '../target.ts'

/** An index that starts with the tenant column, so that one tenant's query does not read the rows of all tenants. */
export function tenantIndex(target: Target, planned: readonly Change[]): Part {
  const { relation, column } = target
  if (target.kind === 'root' || relation.isPartition || relation.kind === 'foreign-table') return NOTHING
  const number = column.existing?.number
  const leads = relation.indexes.some(
    (index) => index.columns[0] === number && index.valid && index.predicate === undefined && index.method !== 'brin',
  )
  const name = objectName([relation.name, column.name], '_idx')
  const soon = planned.some((change) => change.phase === 'indexes' && change.object === relation.label)
  if (leads || soon) return NOTHING
  if (relation.kind === 'partitioned-table')
    return { changes: [indexInTransaction(target, name, [column.name])], decisions: [] }
  return { changes: [concurrentIndex(target, name, [column.name])], decisions: [] }
}

/** An index on a partitioned table, which PostgreSQL can't build concurrently. */
export function indexInTransaction(target: Target, name: string, columns: readonly string[], where?: string): Change {
  const { relation } = target
  return {
    phase: 'keys',
    object: relation.label,
    up: [
      `-- Not built concurrently, because PostgreSQL can't do that on a partitioned table.\nCREATE INDEX IF NOT EXISTS ${quoteIdentifier(name)} ON ${qualifiedName(relation)} (${columns.map(quoteIdentifier).join(', ')})${condition(where)};`,
    ],
    down: [`DROP INDEX IF EXISTS ${quoteIdentifier(relation.schema)}.${quoteIdentifier(name)};`],
  }
}

function condition(where: string | undefined): string {
  return where === undefined ? '' : ` WHERE ${where}`
}

/** CREATE INDEX CONCURRENTLY that can be run twice: an invalid index from an interrupted run is dropped first. */
export function concurrentIndex(
  target: Target,
  name: string,
  columns: readonly string[],
  { unique = false, where }: { readonly unique?: boolean; readonly where?: string | undefined } = {},
): Change {
  const { relation } = target
  const index = `${quoteIdentifier(relation.schema)}.${quoteIdentifier(name)}`
  const create = (concurrently: string) =>
    `CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${concurrently}IF NOT EXISTS ${quoteIdentifier(name)} ON ${qualifiedName(relation)} (${columns.map(quoteIdentifier).join(', ')})${condition(where)};`
  return {
    phase: 'indexes',
    object: relation.label,
    up: [
      doBlock(`  -- Removes the invalid index of an interrupted CREATE INDEX CONCURRENTLY.
  IF EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = pg_catalog.to_regclass(${quoteLiteral(index)}) AND NOT indisvalid) THEN
    DROP INDEX ${index};
  END IF;`),
      create('CONCURRENTLY '),
    ],
    down: [`DROP INDEX CONCURRENTLY IF EXISTS ${index};`],
    upTogether: [create('')],
    downTogether: [`DROP INDEX IF EXISTS ${index};`],
  }
}
