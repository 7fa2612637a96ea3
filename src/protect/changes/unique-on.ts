import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import { objectName } from '../../catalog/object-name.ts'
import type { Change } from '../change.ts'
import { doBlock } from '../sql-text.ts'
import type { Target } from '../target.ts'
import { concurrentIndex } from './indexes.ts'

/** UNIQUE (tenant, columns) for a composite foreign key, built concurrently. No change if it exists already. */
export function uniqueOn(target: Target, columns: readonly string[]): readonly Change[] {
  const { relation } = target
  const { wanted, name, exists } = keyOn(target, columns)
  if (exists) return []
  const table = qualifiedName(relation)
  const quoted = quoteIdentifier(name)
  return [
    concurrentIndex(target, name, wanted, { unique: true }),
    {
      phase: 'keys',
      object: relation.label,
      up: [unlessThere(table, name, `UNIQUE USING INDEX ${quoted}`)],
      down: [`ALTER TABLE ${table} DROP CONSTRAINT IF EXISTS ${quoted};`],
    },
  ]
}

/** The same key as one statement, for a decision. Undefined if the key exists already. */
export function uniqueStatement(target: Target, columns: readonly string[]): string | undefined {
  const { wanted, name, exists } = keyOn(target, columns)
  // Several decisions may contain this statement, and each of them may be run by itself, so the statement can be run twice.
  return exists
    ? undefined
    : unlessThere(qualifiedName(target.relation), name, `UNIQUE (${wanted.map(quoteIdentifier).join(', ')})`)
}

function unlessThere(table: string, name: string, constraint: string): string {
  return doBlock(`  IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = ${quoteLiteral(table)}::regclass AND conname = ${quoteLiteral(name)}) THEN
    ALTER TABLE ${table} ADD CONSTRAINT ${quoteIdentifier(name)} ${constraint};
  END IF;`)
}

/** Whether the key exists, and its name and columns, the tenant first. */
function keyOn(
  target: Target,
  columns: readonly string[],
): { readonly wanted: readonly string[]; readonly name: string; readonly exists: boolean } {
  const { relation, column } = target
  const wanted = [column.name, ...columns]
  const name = objectName([relation.name, ...wanted], '_key')
  const numbers = wanted.map((name) => relation.columns.find((each) => each.name === name)?.number)
  const exists = relation.indexes.some(
    (index) =>
      index.unique &&
      index.valid &&
      index.predicate === undefined &&
      index.expressions === undefined &&
      index.columns.length === numbers.length &&
      numbers.every((number) => number !== undefined && index.columns.includes(number)) &&
      // An index with our name but without a constraint comes from an interrupted run, so it still needs its constraint.
      (index.name !== name || relation.constraints.some((constraint) => constraint.index === index.oid)),
  )
  return { wanted, name, exists }
}
