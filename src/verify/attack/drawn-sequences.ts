import type { Oid, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { AttackSession } from './session.ts'

/** A sequence from which values were drawn. */
export interface DrawnSequence {
  readonly last: string
  readonly descending: boolean
  /** Whether planting drew values from this sequence. */
  readonly byPlanting: boolean
}

type LastValues = ReadonlyMap<Oid, Omit<DrawnSequence, 'byPlanting'>>

/** The last value of each sequence that was used and that the role may read. */
export async function readLastValues(session: AttackSession): Promise<LastValues> {
  const { rows } = await session.query<{ oid: number; last: string | null; descending: boolean }>(
    `select seqrelid as oid, pg_catalog.pg_sequence_last_value(seqrelid)::text as last, seqincrement < 0 as descending
     from pg_catalog.pg_sequence where pg_catalog.has_sequence_privilege(seqrelid, 'USAGE, SELECT')`,
  )
  return new Map(rows.flatMap(({ oid, last, descending }) => (last === null ? [] : [[oid, { last, descending }]])))
}

export function drawnSince(before: LastValues, after: LastValues): ReadonlyMap<Oid, DrawnSequence> {
  return new Map(
    [...after].map(([oid, now]) => [oid, { ...now, byPlanting: before.get(oid)?.last !== now.last }] as const),
  )
}

/**
 * SQL that moves the sequences of a table past the values of its planted rows. Otherwise, an INSERT on a fresh database would draw the id
 * of a planted row. The INSERT would then fail with a duplicate key, and the policies would not be tested.
 *
 * The sequences of a table are those of its columns and, if the table has triggers, the sequences that planting drew from and that belong
 * to no column.
 */
export function pastSequences(
  facts: Facts,
  drawn: ReadonlyMap<Oid, DrawnSequence>,
  relation: Relation,
): readonly string[] {
  const fed = feedsOf(facts)
  const own = fed.get(relation.oid) ?? new Set()
  const known = new Set([...fed.values()].flatMap((sequences) => [...sequences]))
  return [...drawn].flatMap(([oid, found]) => {
    const sequence = facts.catalog.relations.get(oid)
    const fires = relation.triggers.length > 0 && found.byPlanting && !known.has(oid)
    return sequence === undefined || !(own.has(oid) || fires) ? [] : [pastSql(sequence, found)]
  })
}

function pastSql(sequence: Relation, { last, descending }: DrawnSequence): string {
  const name = qualifiedName(sequence)
  return `SELECT pg_catalog.setval(${quoteLiteral(name)}, ${descending ? 'least' : 'greatest'}(last_value, ${last})) AS next_after FROM ${name};`
}

const known = new WeakMap<Facts, ReadonlyMap<Oid, ReadonlySet<Oid>>>()

/** The sequences that give values to columns, by table. A column owns such a sequence, or its default names the sequence. */
function feedsOf(facts: Facts): ReadonlyMap<Oid, ReadonlySet<Oid>> {
  const before = known.get(facts)
  if (before !== undefined) return before
  const feeds = new Map<Oid, Set<Oid>>()
  const add = (relation: Oid, sequence: Oid) => feeds.set(relation, (feeds.get(relation) ?? new Set()).add(sequence))
  for (const { oid, ownedByRelation } of facts.catalog.sequences.values())
    if (ownedByRelation !== 0) add(ownedByRelation, oid)
  const names = new Map<string, Oid[]>()
  for (const sequence of facts.catalog.relations.values())
    if (sequence.kind === 'sequence')
      for (const name of [qualifiedName(sequence), quoteIdentifier(sequence.name)])
        names.set(name, [...(names.get(name) ?? []), sequence.oid])
  for (const { oid, columns } of facts.catalog.relations.values())
    for (const column of columns)
      for (const [, name = ''] of (column.default ?? '').matchAll(/nextval\('((?:[^']|'')+)'/g))
        for (const sequence of names.get(name.replaceAll("''", "'")) ?? []) add(oid, sequence)
  known.set(facts, feeds)
  return feeds
}
