import type { Column, Oid, Relation } from '../../catalog/model.ts'
import { looksLikeRoot, stemOf, tenantNameWeight } from './tenant-names.ts'
import type { Evidence } from './votes.ts'

/** A column name that could be the tenant column, with the evidence for it. */
export interface Candidate {
  readonly name: string
  readonly tables: number
  /** Number of tables whose policies compare the column directly with a setting. */
  readonly direct: number
  /** Whether some policy uses the column, or the table that the column refers to. */
  readonly voted: boolean
  /** The table that most foreign keys of the column refer to. */
  readonly parent: Relation | undefined
  /** The column is named after its parent: `board_id` refers to `boards`. */
  readonly named: boolean
  /** Whether the rows of the parent look like tenants, because of the column's name or because the parent has a table of members. */
  readonly claimed: boolean
  /** The column names a person, judged by the table it refers to or by how policies use it. */
  readonly personal: boolean
  readonly score: number
}

interface Weights {
  tables: number
  readonly direct: Set<number>
  readonly indirect: Set<number>
  /** The column is a foreign key to a table of its own name: `board_id` to `boards`. */
  named: number
  /** For each referenced table, the number of tables in which the column is a foreign key to it. */
  readonly parents: Map<Oid, number>
}

/** Names of tables of people. A column that refers to such a table names a person and not a tenant. */
const PEOPLE = /^(auth_?)?(users?|accounts?_users?|profiles?|people|persons?|employees?|members?|identities)$/i

/**
 * Gives a score to each column that could be the tenant column. It counts the tables that have the column, or that refer to the same parent
 * as the column, and the policies that compare the column with a setting.
 *
 * A fitting name itself adds at most half a point, and each table adds a point. But tables count only if the column has a fitting name, a
 * parent of its own name or a parent with members, or if policies use it and several tables refer to its parent. If a policy looks up the row
 * of a person (`members.person = setting`) and reads `club_id` of it, `person` names a person, and `club_id` the tenant.
 */
export function weighColumns(tables: readonly Relation[], evidence: Evidence): readonly Candidate[] {
  const counts = countColumns(tables)
  for (const vote of evidence.columns) {
    const entry = counts.get(vote.column)
    if (entry !== undefined) (vote.via === 'direct' ? entry.direct : entry.indirect).add(vote.relation.oid)
  }
  const byOid = new Map(tables.map((table) => [table.oid, table]))
  const referring = countReferring(tables)
  const people = new Set(tables.filter((table) => PEOPLE.test(table.name)).map((table) => table.oid))
  // A policy on the table of tenants counts for every column that refers to that table.
  const votedRoots = new Set(evidence.columns.map((vote) => vote.relation.oid))
  const lookedUpBy = peopleColumns(evidence)
  const anyVotes = [...counts.values()].some((entry) => entry.direct.size + entry.indirect.size > 0)
  return [...counts]
    .map(([name, entry]): Candidate => {
      const weight = tenantNameWeight(name)
      // `id` is the own key of each table. Policies on the table of tenants compare it, but it is never the tenant column of other
      // tables, so it gets no score.
      const key = /^(id|uuid|pk)$/i.test(name)
      const [parentOid, direct = 0] = [...entry.parents].sort((a, b) => b[1] - a[1])[0] ?? []
      const parent = parentOid === undefined ? undefined : byOid.get(parentOid)
      const toPeople = [...entry.parents.keys()].some((oid) => people.has(oid))
      const personal =
        lookedUpBy.has(name) ||
        (weight === 0 && toPeople) ||
        // Without a foreign key, only the name shows that the column refers to people.
        ((parent === undefined || toPeople) &&
          /^(user|owner|author|creator|created_by|member|employee|profile)(_?id)?$/i.test(name))
      const voted =
        entry.direct.size + entry.indirect.size > 0 || [...entry.parents.keys()].some((oid) => votedRoots.has(oid))
      const members = parent !== undefined && !personal && hasMembers(parent, tables, people)
      const claimed = weight > 0 || members
      const shared = parentOid === undefined || direct < 1 ? 0 : (referring.get(parentOid) ?? 0)
      const counted = weight > 0 || entry.named > 0 || members || (shared > 1 && voted && !personal)
      const support = counted ? Math.max(shared, weight > 0 ? entry.tables : 0) : 0
      const own = key ? 0 : personal ? 0.4 : anyVotes && !voted ? 0.4 : claimed || voted ? 1 : 0.5
      const score =
        own *
        (support + entry.direct.size * 3 + entry.indirect.size * 2 + (support > 0 ? weight / 4 + (members ? 1 : 0) : 0))
      return {
        name,
        tables: entry.tables,
        direct: entry.direct.size,
        voted,
        parent,
        named: entry.named > 0,
        claimed,
        personal,
        score,
      }
    })
    .filter((candidate) => candidate.score > 0)
    .sort((a, b) => b.score - a.score || b.tables - a.tables || a.name.localeCompare(b.name))
}

function countColumns(tables: readonly Relation[]): Map<string, Weights> {
  const counts = new Map<string, Weights>()
  for (const relation of tables) {
    for (const column of relation.columns) {
      const entry = counts.get(column.name) ?? {
        tables: 0,
        direct: new Set<number>(),
        indirect: new Set<number>(),
        named: 0,
        parents: new Map<Oid, number>(),
      }
      counts.set(column.name, entry)
      // Skip partitions: they have the columns of their parent, which are counted already.
      if (relation.isPartition) continue
      entry.tables += 1
      for (const target of targetsOf(relation, column)) {
        entry.parents.set(target, (entry.parents.get(target) ?? 0) + 1)
        const named = tables.find((table) => table.oid === target)
        if (named !== undefined && looksLikeRoot(named.name, stemOf(column.name))) entry.named += 1
      }
    }
  }
  return counts
}

/** Returns for each table how many other tables refer to it by a foreign key of one column. */
function countReferring(tables: readonly Relation[]): ReadonlyMap<Oid, number> {
  const counts = new Map<Oid, number>()
  for (const relation of tables) {
    if (relation.isPartition) continue
    for (const target of new Set(relation.columns.flatMap((column) => targetsOf(relation, column))))
      counts.set(target, (counts.get(target) ?? 0) + 1)
  }
  return counts
}

export function targetsOf(relation: Relation, column: Column): readonly Oid[] {
  return relation.constraints.flatMap(({ references, columns }) =>
    references !== undefined &&
    columns.length === 1 &&
    columns[0] === column.number &&
    references.relation !== relation.oid
      ? [references.relation]
      : [],
  )
}

/**
 * Some policies look up the row of a person, and read another column of that row: `select club_id from members where person = setting`.
 * Returns the columns that such policies compare (`person`). A lookup that reads the row's own key does not count: `select id
 * from orders where org_id = setting`. The row of `orders` is the parent of the protected row, so here `org_id` names a tenant and not
 * a person.
 */
function peopleColumns(evidence: Evidence): ReadonlySet<string> {
  const taken = evidence.columns.filter((vote) => vote.via === 'indirect')
  const found = evidence.keys.filter((key) =>
    taken.some(
      (vote) =>
        vote.relation.oid === key.table.oid &&
        vote.column !== key.column.name &&
        !isOwnKey(key.table, vote.column) &&
        namesTenant(key.table, vote.column, key.column.name),
    ),
  )
  const elsewhere = new Set(taken.map((vote) => vote.column))
  return new Set(found.map((key) => key.column.name).filter((name) => !elsewhere.has(name)))
}

/**
 * Whether the column that a policy reads from rows of a person can name the tenant of that person. A country can't, because people of
 * several tenants have the same country.
 */
function namesTenant(looked: Relation, read: string, person: string): boolean {
  const { foreign, unique } = keysOf(looked)
  if (foreign.has(read) || unique.some((names) => names.includes(read))) return true
  if (unique.length > 0) return isOwnKey(looked, person)
  // Without keys only the names of the columns can be compared.
  return tenantNameWeight(read) >= tenantNameWeight(person)
}

/** Returns the columns that have a foreign key of their own, and the columns of each unique key. */
function keysOf(relation: Relation) {
  const names = new Map(relation.columns.map(({ number, name }) => [number, name]))
  const foreign = new Set(
    relation.columns.filter((column) => targetsOf(relation, column).length > 0).map(({ name }) => name),
  )
  const unique = relation.constraints
    .filter(({ kind }) => kind === 'primary-key' || kind === 'unique')
    .map(({ columns }) => columns.map((number) => names.get(number)))
  return { foreign, unique }
}

function isOwnKey(relation: Relation, name: string): boolean {
  const number = relation.columns.find((column) => column.name === name)?.number
  return relation.constraints.some(
    ({ kind, columns }) =>
      (kind === 'primary-key' || kind === 'unique') && columns.length === 1 && columns[0] === number,
  )
}

/** Whether some table is a table of members: it has a unique key of two columns, which refer to `parent` and to a table of people. */
function hasMembers(parent: Relation, tables: readonly Relation[], people: ReadonlySet<Oid>): boolean {
  return tables.some((table) =>
    table.constraints.some(({ kind, columns }) => {
      if ((kind !== 'primary-key' && kind !== 'unique') || columns.length !== 2) return false
      const targets = table.columns
        .filter(({ number }) => columns.includes(number))
        .flatMap((column) => targetsOf(table, column))
      return targets.includes(parent.oid) && targets.some((oid) => people.has(oid))
    }),
  )
}
