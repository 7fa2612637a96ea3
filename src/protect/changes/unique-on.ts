import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import { objectName } from '../../catalog/object-name.ts'
import type { Change } from '../change.ts'
import { doBlock } from '../sql-text.ts'
import type { Target } from '../target.ts'
import { concurrentIndex } from './indexes.ts'

/** UNIQUE (tenant, columns) for a composite foreign key, built concurrently. No change if it exists already. */
export function uniqueOn(target: Target, columns: readonly string[]): readonly Change[] {
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
  if (exists) return []
  const table = qualifiedName(relation)
  const quoted = quoteIdentifier(name)
  return [
    concurrentIndex(target, name, wanted, { unique: true }),
    {
      phase: 'keys',
      object: relation.label,
      up: [
        doBlock(`  IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = ${quoteLiteral(table)}::regclass AND conname = ${quoteLiteral(name)}) THEN
    ALTER TABLE ${table} ADD CONSTRAINT ${quoted} UNIQUE USING INDEX ${quoted};
  END IF;`),
      ],
      down: [`ALTER TABLE ${table} DROP CONSTRAINT IF EXISTS ${quoted};`],
    },
  ]
}
