import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'

/** A column of a tenant table whose values come from one sequence for all tenants. */
interface DrawnColumn {
  readonly relation: Relation
  readonly column: Column
  /** The sequence that the column owns (OWNED BY). Undefined if the default only calls nextval on another sequence. */
  readonly sequence: Relation | undefined
}

/** Serial and identity columns of tables that belong to tenants. */
export function drawnColumns(facts: Facts): readonly DrawnColumn[] {
  return [...facts.tenancy.tables.values()].flatMap(({ relation, kind }) =>
    kind === 'root' || relation.isPartition
      ? []
      : relation.columns
          .filter((column) => column.identity !== undefined || /^nextval\(/.test(column.default ?? ''))
          .map((column) => ({ relation, column, sequence: sequenceOf(facts, relation, column) })),
  )
}

function sequenceOf(facts: Facts, relation: Relation, column: Column): Relation | undefined {
  const owned = [...facts.catalog.sequences.values()].find(
    (sequence) => sequence.ownedByRelation === relation.oid && sequence.ownedByColumn === column.number,
  )
  return owned === undefined ? undefined : facts.relationOf(owned.oid)
}

/**
 * SQL that turns the column into GENERATED ALWAYS AS IDENTITY, so that only the server chooses its values. Stored values stay. A role
 * that inserts needs no privilege on the sequence of an identity column.
 */
export function toIdentitySql({ relation, column, sequence }: DrawnColumn): string {
  const table = qualifiedName(relation)
  const name = quoteIdentifier(column.name)
  const literal = quoteLiteral(table)
  const where = (test: string) =>
    `EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = ${literal}::regclass AND attname = ${quoteLiteral(column.name)} AND attidentity ${test})`
  // The fix of another finding may have dropped the identity before, so test for it.
  if (column.identity !== undefined)
    return `DO $$ BEGIN
  IF ${where("<> ''")} THEN
    ALTER TABLE ${table} ALTER COLUMN ${name} SET GENERATED ALWAYS;
  END IF;
END $$;`
  const steps = [
    ...(sequence === undefined ? [] : [`ALTER SEQUENCE ${qualifiedName(sequence)} OWNED BY NONE;`]),
    `ALTER TABLE ${table} ALTER COLUMN ${name} DROP DEFAULT;`,
    `ALTER TABLE ${table} ALTER COLUMN ${name} SET NOT NULL;`,
    `ALTER TABLE ${table} ALTER COLUMN ${name} ADD GENERATED ALWAYS AS IDENTITY;`,
    `PERFORM pg_catalog.setval(pg_catalog.pg_get_serial_sequence(${literal}, ${quoteLiteral(column.name)}), coalesce((SELECT max(${name}) FROM ${table}), 0) + 1, false);`,
  ]
  return `DO $$ BEGIN
  IF ${where("= ''")} THEN
    ${steps.join('\n    ')}
  END IF;
END $$;`
}

/**
 * Makes SQL of statements about a sequence. For the sequence of an identity column, the SQL first tests whether the sequence still exists,
 * because the fix of another finding may have dropped it.
 */
export function onSequenceSql(facts: Facts, sequence: Relation, statements: readonly string[]): string {
  const owner = facts.catalog.sequences.get(sequence.oid)
  const table = facts.relationOf(owner?.ownedByRelation ?? 0)
  const column = table?.columns.find(({ number }) => number === owner?.ownedByColumn)
  if (column?.identity === undefined) return statements.join('\n')
  return `DO $$ BEGIN
  IF pg_catalog.to_regclass(${quoteLiteral(qualifiedName(sequence))}) IS NOT NULL THEN
    ${statements.join('\n    ')}
  END IF;
END $$;`
}
