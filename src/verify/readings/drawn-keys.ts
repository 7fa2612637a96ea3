import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'

/** A column of a tenant table whose values come from one sequence for all tenants. */
interface DrawnColumn {
  readonly relation: Relation
  readonly column: Column
  /** The sequence that belongs to the column; undefined for one that a default merely names. */
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
 * SQL that lets the server alone give the column its values; the values that are there stay. A role that inserts needs no right on
 * the sequence of an identity column.
 */
export function toIdentitySql({ relation, column, sequence }: DrawnColumn): string {
  const table = qualifiedName(relation)
  const name = quoteIdentifier(column.name)
  if (column.identity !== undefined) return `ALTER TABLE ${table} ALTER COLUMN ${name} SET GENERATED ALWAYS;`
  const literal = quoteLiteral(table)
  const steps = [
    ...(sequence === undefined ? [] : [`ALTER SEQUENCE ${qualifiedName(sequence)} OWNED BY NONE;`]),
    `ALTER TABLE ${table} ALTER COLUMN ${name} DROP DEFAULT;`,
    `ALTER TABLE ${table} ALTER COLUMN ${name} SET NOT NULL;`,
    `ALTER TABLE ${table} ALTER COLUMN ${name} ADD GENERATED ALWAYS AS IDENTITY;`,
    `PERFORM pg_catalog.setval(pg_catalog.pg_get_serial_sequence(${literal}, ${quoteLiteral(column.name)}), coalesce((SELECT max(${name}) FROM ${table}), 0) + 1, false);`,
  ]
  return `DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = ${literal}::regclass AND attname = ${quoteLiteral(column.name)} AND attidentity = '') THEN
    ${steps.join('\n    ')}
  END IF;
END $$;`
}
