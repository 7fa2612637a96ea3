import { isBookkeeping } from '../../catalog/bookkeeping.ts'
import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import { isTable } from '../../tenancy/discovery/tenant-root.ts'
import type { Facts } from '../../tenancy/facts.ts'

/** A column whose values come from one sequence for all tenants. */
export interface DrawnColumn {
  readonly relation: Relation
  readonly column: Column
  /** The sequence that the column owns (OWNED BY). Undefined if the default only calls nextval on another sequence. */
  readonly sequence: Relation | undefined
}

/** Serial and identity columns of tables that belong to tenants. */
export function drawnColumns(facts: Facts): readonly DrawnColumn[] {
  return [...facts.tenancy.tables.values()].flatMap(({ relation, kind }) =>
    kind === 'root' || relation.isPartition ? [] : drawnOf(facts, relation),
  )
}

function drawnOf(facts: Facts, relation: Relation): readonly DrawnColumn[] {
  return relation.columns
    .filter((column) => column.identity !== undefined || /^nextval\(/.test(column.default ?? ''))
    .map((column) => ({ relation, column, sequence: sequenceOf(facts, relation, column) }))
}

/** Serial and identity columns of tables that hold no rows of tenants: the table of tenants, and tables such as `users`. */
export function sharedDrawnColumns(facts: Facts): readonly DrawnColumn[] {
  return facts.relations
    .filter((relation) => {
      const bound = facts.tenantTable(relation)
      return (
        isTable(relation) && !relation.isPartition && !isBookkeeping(relation) && (bound?.kind ?? 'root') === 'root'
      )
    })
    .flatMap((relation) => drawnOf(facts, relation))
}

/** Types whose highest value a loop of nextval() reaches within an hour. */
const SMALL: ReadonlySet<string> = new Set(['smallint', 'integer'])

/** Roles that may exhaust the column's sequence. Empty for a column whose last value no loop reaches. */
export function exhausters(facts: Facts, { column, sequence }: DrawnColumn): readonly string[] {
  if (sequence === undefined || !SMALL.has(column.baseType)) return []
  const may = (role: number, privilege: 'USAGE' | 'UPDATE') => facts.privileges.onSequence(role, sequence, privilege)
  return facts.acting
    .filter(({ role, bypasses }) => !bypasses && (may(role.oid, 'USAGE') || may(role.oid, 'UPDATE')))
    .map(({ role }) => role.name)
}

function sequenceOf(facts: Facts, relation: Relation, column: Column): Relation | undefined {
  const owned = [...facts.catalog.sequences.values()].find(
    (sequence) => sequence.ownedByRelation === relation.oid && sequence.ownedByColumn === column.number,
  )
  return owned === undefined ? undefined : facts.relationOf(owned.oid)
}

/**
 * SQL that turns the column into GENERATED ALWAYS AS IDENTITY. Then no UPDATE chooses a value, and an INSERT does only with OVERRIDING SYSTEM
 * VALUE. Stored values stay, and the next
 * value is above all of them and above the values that the old sequence gave. A role that inserts needs no privilege on the sequence of an
 * identity column.
 */
export function toIdentitySql({ relation, column, sequence }: DrawnColumn): string {
  const table = qualifiedName(relation)
  const name = quoteIdentifier(column.name)
  const literal = quoteLiteral(table)
  const attribute = (test: string) =>
    `EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = ${literal}::regclass AND attname = ${quoteLiteral(column.name)} AND attidentity ${test})`
  const alter = `ALTER TABLE ${table} ALTER COLUMN ${name}`
  const last = sequence === undefined ? [] : [readLast(qualifiedName(sequence))]
  // The fix of another finding may have turned the column into an identity column, or dropped the identity. So the SQL tests for that.
  const [test, steps] =
    column.identity === undefined
      ? [
          "= ''",
          [
            ...last,
            ...(sequence === undefined ? [] : [`ALTER SEQUENCE ${qualifiedName(sequence)} OWNED BY NONE;`]),
            `${alter} DROP DEFAULT;`,
            `${alter} SET NOT NULL;`,
            `${alter} ADD GENERATED ALWAYS AS IDENTITY;`,
          ],
        ]
      : ["= 'd'", [...last, `${alter} SET GENERATED ALWAYS;`]]
  // With FORCE, policies apply to an owner that is no superuser, and max() would see no row. The lock keeps other sessions out meanwhile.
  // If policies still hide rows, `row_security = off` makes the query fail. The SQL contains no comment, because the whole SQL may be
  // printed as a comment.
  const next = [
    `SELECT relforcerowsecurity INTO partywall_forced FROM pg_catalog.pg_class WHERE oid = ${literal}::regclass;`,
    `ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY;`,
    `PERFORM pg_catalog.set_config('row_security', 'off', true);`,
    `partywall_highest := greatest(partywall_highest, (SELECT max(${name}) FROM ${table}), 0);`,
    `PERFORM pg_catalog.set_config('row_security', partywall_before, true);`,
    `IF partywall_forced THEN ALTER TABLE ${table} FORCE ROW LEVEL SECURITY; END IF;`,
    `PERFORM pg_catalog.setval(pg_catalog.pg_get_serial_sequence(${literal}, ${quoteLiteral(column.name)}), partywall_highest + 1, false);`,
  ]
  return `DO $$ DECLARE partywall_highest bigint; partywall_forced boolean; partywall_before text := pg_catalog.current_setting('row_security'); BEGIN
  IF ${attribute(test)} THEN
    LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE;
    ${[...steps, ...next].join('\n    ')}
  END IF;
END $$;`
}

/**
 * SQL that stores the last value of a sequence in `partywall_highest`. For a sequence that was never used, this is the value before its
 * first value.
 */
function readLast(sequence: string): string {
  return `SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END INTO partywall_highest FROM ${sequence};`
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
