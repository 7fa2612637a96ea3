import type { Column, Oid, Relation } from '../../catalog/model.ts'
import { ConfigurationError } from '../../errors.ts'
import type { Evidence } from './evidence.ts'

// Words that by themselves mean a customer of a B2B product; the second list can also mean people or things inside one.
const STRONG = /^(tenant|org|organi[sz]ation|workspace|account|company|customer_account|merchant|business)$/
const WEAK =
  /^(customer|client|team|group|site|shop|store|school|clinic|agency|firm|brand|club|partner|realm|instance|subscriber|owner_org|space|vendor|practice|property)$/

/** 2 for `org_id`, `tenant`; 1 for `team_id`; 0 for other names. */
export function tenantNameWeight(name: string): number {
  const stem = stemOf(name)
  return STRONG.test(stem) ? 2 : WEAK.test(stem) ? 1 : 0
}

/** `org_id`, `orgId`, `org_uuid`, `fk_org`, `org` → `org`. */
export function stemOf(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/^(fk|id|ref|current)_/, '')
    .replace(/_?(id|uuid|uid|key|ref|code|slug|no|num|guid|fk|pk)$/, '')
    .replace(/^_+|_+$/g, '')
}

/** Tables that hold the tenants: `orgs`, `organizations`, `tenant`, named like the column's stem. */
export function looksLikeRoot(table: string, stem: string): boolean {
  const single = table
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/^(tbl|app|t)_/, '')
    .replace(/ies$/, 'y')
    .replace(/(ss|x|ch)es$/, '$1')
    .replace(/([^s])s$/, '$1')
  if (stem === '') return false
  return single === stem || (stem.length >= 3 && single.startsWith(stem) && STRONG.test(single))
}

/** A table of rows, not a view or sequence. */
export function isTable(relation: Relation): boolean {
  return relation.kind === 'table' || relation.kind === 'partitioned-table' || relation.kind === 'foreign-table'
}

interface Candidate {
  readonly name: string
  readonly tables: number
  readonly direct: number
  readonly score: number
}

/** Chooses the name that most tables and policies agree on. */
export function chooseColumnName(
  tables: readonly Relation[],
  evidence: Evidence,
): { readonly name: string; readonly runnerUp: Candidate | undefined } {
  const candidates = scoreColumns(tables, evidence)
  const [best, second] = candidates
  // A policy that compares a column with a setting says more than any name: apps whose tenants are their users.
  if (best === undefined || (best.score < 2 && best.direct === 0)) {
    throw new ConfigurationError('No tenant column was found. Name it with --tenant-column NAME.', {
      details: { candidates: candidates.slice(0, 5).map((candidate) => candidate.name) },
    })
  }
  if (second !== undefined && second.score === best.score && stemOf(second.name) !== stemOf(best.name)) {
    throw new ConfigurationError(
      `Several columns could be the tenant column: ${[best, second].map(describe).join(', ')}. Name it with --tenant-column NAME.`,
      { details: { candidates: candidates.slice(0, 5).map((candidate) => candidate.name) } },
    )
  }
  return { name: best.name, runnerUp: second }
}

function describe(candidate: Candidate): string {
  return `${candidate.name} (in ${candidate.tables} ${candidate.tables === 1 ? 'table' : 'tables'})`
}

interface Weights {
  tables: number
  readonly direct: Set<number>
  readonly indirect: Set<number>
  referenced: number
  /** By referenced table: how many tables have the column as a foreign key to it. */
  readonly parents: Map<Oid, number>
}

function weigh(tables: readonly Relation[]): Map<string, Weights> {
  const counts = new Map<string, Weights>()
  for (const relation of tables) {
    for (const column of relation.columns) {
      const entry = counts.get(column.name) ?? {
        tables: 0,
        direct: new Set<number>(),
        indirect: new Set<number>(),
        referenced: 0,
        parents: new Map<Oid, number>(),
      }
      counts.set(column.name, entry)
      // A partition repeats its parent's columns.
      if (relation.isPartition) continue
      entry.tables += 1
      if (referencesLikelyRoot(relation, column, tables)) entry.referenced += 1
      for (const target of targetsOf(relation, column)) entry.parents.set(target, (entry.parents.get(target) ?? 0) + 1)
    }
  }
  return counts
}

function targetsOf(relation: Relation, column: Column): readonly Oid[] {
  return relation.constraints.flatMap(({ references, columns }) =>
    references !== undefined &&
    columns.length === 1 &&
    columns[0] === column.number &&
    references.relation !== relation.oid
      ? [references.relation]
      : [],
  )
}

/** Tables of people, by their names: what refers to them is a person's, not a tenant's. */
const PEOPLE = /^(auth_?)?(users?|accounts?_users?|profiles?|people|persons?|employees?|members?|identities)$/i

/**
 * Weighs the columns that could be the tenant's: by the tables that have them, by foreign keys to one common parent, by what
 * policies compare them with, and last by their names.
 *
 * A column that policies only look people up by (`members.person = setting`) names the person. The column that they take
 * from that row names the tenant.
 */
function scoreColumns(tables: readonly Relation[], evidence: Evidence): readonly Candidate[] {
  const counts = weigh(tables)
  for (const vote of evidence.columns) {
    const entry = counts.get(vote.column)
    if (entry === undefined) continue
    ;(vote.via === 'direct' ? entry.direct : entry.indirect).add(vote.relation.oid)
  }
  const people = new Set(tables.filter((table) => PEOPLE.test(table.name)).map((table) => table.oid))
  // A policy on the tenants themselves speaks of every column that refers to them.
  const votedRoots = new Set(evidence.columns.map((vote) => vote.relation.oid))
  const lookedUpBy = new Set(evidence.keys.map((key) => key.column.name))
  const anyVotes = [...counts.values()].some((entry) => entry.direct.size + entry.indirect.size > 0)
  return [...counts]
    .map(([name, entry]): Candidate => {
      const weight = tenantNameWeight(name)
      // `id` and its like are every table's own key: policies on the tenants table compare it, and only there rightly.
      const key = /^(id|uuid|pk)$/i.test(name)
      const toPeople = [...entry.parents.keys()].some((oid) => people.has(oid))
      const personal =
        (weight === 0 && (toPeople || lookedUpBy.has(name))) ||
        /^(user|owner|author|creator|created_by|member|employee|profile)(_?id)?$/i.test(name)
      const shared = Math.max(0, ...entry.parents.values())
      const voted =
        entry.direct.size + entry.indirect.size > 0 || [...entry.parents.keys()].some((oid) => votedRoots.has(oid))
      const own = key ? 0 : personal ? 0.4 : anyVotes && !voted ? 0.4 : 1
      const score =
        own *
        (entry.tables * weight +
          entry.direct.size * 3 +
          entry.indirect.size * 2 +
          entry.referenced +
          (shared > 1 && voted && !personal ? shared : 0))
      return { name, tables: entry.tables, direct: entry.direct.size, score }
    })
    .filter((candidate) => candidate.score > 0)
    .sort((a, b) => b.score - a.score || b.tables - a.tables || a.name.localeCompare(b.name))
}

function referencesLikelyRoot(relation: Relation, column: Column, tables: readonly Relation[]): boolean {
  const stem = stemOf(column.name)
  return relation.constraints.some((constraint) => {
    if (
      constraint.references === undefined ||
      constraint.columns.length !== 1 ||
      constraint.columns[0] !== column.number
    )
      return false
    const target = tables.find((table) => table.oid === constraint.references?.relation)
    return target !== undefined && looksLikeRoot(target.name, stem)
  })
}

/** The table that holds the tenants: target of the tenant columns' foreign keys, else the one that is named so. */
export function findRoot(
  tables: readonly Relation[],
  columnName: string,
): { readonly relation: Relation; readonly key: Column } | undefined {
  const targets = new Map<number, number>()
  for (const relation of tables) {
    const column = relation.columns.find((candidate) => candidate.name === columnName)
    if (column === undefined) continue
    for (const constraint of relation.constraints) {
      if (
        constraint.references === undefined ||
        constraint.columns.length !== 1 ||
        constraint.columns[0] !== column.number
      )
        continue
      const target = constraint.references.relation
      if (target !== relation.oid) targets.set(target, (targets.get(target) ?? 0) + 1)
    }
  }
  const [best] = [...targets].sort((a, b) => b[1] - a[1])
  const byKey = best === undefined ? undefined : tables.find((table) => table.oid === best[0])
  const relation =
    byKey ??
    tables.find(
      (table) =>
        looksLikeRoot(table.name, stemOf(columnName)) && !table.columns.some((column) => column.name === columnName),
    )
  if (relation === undefined) return undefined
  const referenced = tables
    .flatMap((table) => table.constraints)
    .find(
      (constraint) => constraint.references?.relation === relation.oid && constraint.references.columns.length === 1,
    )
  const primary = relation.constraints.find(
    (constraint) => constraint.kind === 'primary-key' && constraint.columns.length === 1,
  )
  const number = byKey === undefined ? primary?.columns[0] : (referenced?.references?.columns[0] ?? primary?.columns[0])
  const key = relation.columns.find((column) => column.number === number)
  return key === undefined ? undefined : { relation, key }
}
