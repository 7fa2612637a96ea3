import type { Column, Relation } from '../../catalog/model.ts'
import { ConfigurationError } from '../../errors.ts'
import { stemOf } from './tenant-names.ts'
import type { Evidence } from './votes.ts'
import { type Candidate, targetsOf, weighColumns } from './weigh-columns.ts'

interface ChosenColumn {
  readonly name: string
  /** Columns with nearly the same score that were not chosen, the likeliest first. */
  readonly others: readonly Candidate[]
}

/** A second candidate competes with the best candidate if its score times this factor reaches the best score. */
const CLOSE = 1.5

/**
 * Chooses the column that most tables and policies agree on.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if there is no such column, or if two columns have similar scores. The message
 *   names both
 */
export function chooseColumnName(tables: readonly Relation[], evidence: Evidence): ChosenColumn {
  const candidates = weighColumns(tables, evidence)
  const [heaviest] = candidates
  // A policy that compares the column with a setting is enough, whatever the column's name: the tenants may be users.
  if (heaviest === undefined || !isEnough(heaviest)) {
    throw new ConfigurationError('No tenant column was found. Name it with --tenant-column NAME.', {
      details: { missing: 'tenant-column', candidates: candidates.slice(0, 5).map((candidate) => candidate.name) },
    })
  }
  const best = outermost(heaviest, candidates)
  const others = candidates.filter((candidate) => candidate !== best && !alike(candidate, best))
  const close = others.find((candidate) => isClose(candidate, best, tables))
  if (close !== undefined) {
    throw new ConfigurationError(
      `Several columns could be the tenant column: ${describe(best)} and ${describe(close)}. Name the one with --tenant-column ${best.name} or --tenant-column ${close.name}.`,
      { details: { candidates: [best.name, close.name] } },
    )
  }
  const worthNaming = others.filter(
    (candidate) => candidate.tables > 1 && candidate.score * 6 >= best.score && !belongsTo(candidate, best, tables),
  )
  return { name: best.name, others: worthNaming }
}

/**
 * Whether the evidence is enough. A column in a single table is not enough, unless the column refers to a table whose name means a tenant.
 */
function isEnough({ score, direct, claimed, named }: Candidate): boolean {
  return score >= 1.5 || direct > 0 || (claimed && named)
}

/**
 * If tenants are nested (sites of a company) and no policy decides, chooses the outer tenant (the company). Rows of a site are then treated
 * as child rows of the company.
 */
function outermost(best: Candidate, candidates: readonly Candidate[]): Candidate {
  if (best.voted) return best
  const outer = candidates.find(
    (candidate) =>
      candidate !== best && candidate.claimed && candidate.tables > 1 && !candidate.voted && standsIn(best, candidate),
  )
  return outer === undefined || standsIn(outer, best) ? best : outermost(outer, candidates)
}

function isClose(other: Candidate, best: Candidate, tables: readonly Relation[]): boolean {
  if (other.score === best.score) return true
  if (other.voted || best.voted || (other.personal && !best.personal)) return false
  // The rows that the best column refers to belong to the other column's tenants, and more tables have the other column. So the other
  // column competes, whatever its name.
  if (standsIn(best, other) && other.tables > best.tables) return true
  if (belongsTo(other, best, tables) || belongsTo(best, other, tables)) return false
  // If the best column refers to a table of tenants, another table that many tables refer to is probably a list, such as countries.
  if (best.claimed && !other.claimed) return false
  return other.score * CLOSE >= best.score
}

/** Whether two columns name the same tenants under different names. */
function alike(a: Candidate, b: Candidate): boolean {
  if (a.parent !== undefined && b.parent !== undefined) return a.parent.oid === b.parent.oid
  return stemOf(a.name) === stemOf(b.name)
}

/**
 * Whether rows of the inner column's parent table belong to rows of the outer column's parent table: by a path of foreign keys, or by a
 * column with the outer column's name.
 */
function belongsTo(inner: Candidate, outer: Candidate, tables: readonly Relation[]): boolean {
  const found = new Set<Relation>(inner.parent === undefined ? [] : [inner.parent])
  for (const relation of found) {
    if (relation.oid === outer.parent?.oid) return true
    for (const column of relation.columns) {
      if (column.name === outer.name) return true
      for (const oid of targetsOf(relation, column)) {
        const target = tables.find((table) => table.oid === oid)
        if (target !== undefined) found.add(target)
      }
    }
  }
  return false
}

/**
 * Whether many rows of the first column's parent table refer to one row of the outer column's parent table. A unique reference does not
 * count, because it is one to one.
 */
function standsIn({ parent }: Candidate, outer: Candidate): boolean {
  const target = outer.parent
  if (parent === undefined || target === undefined) return false
  return parent.columns.some(
    (column) => targetsOf(parent, column).includes(target.oid) && !isUniqueAlone(parent, column),
  )
}

function isUniqueAlone(relation: Relation, { number }: Column): boolean {
  return relation.indexes.some(({ unique, columns }) => unique && columns.length === 1 && columns[0] === number)
}

/** `org_id (in 5 tables, refers to public.orgs)` */
export function describe({ name, tables, parent }: Candidate): string {
  const refers = parent === undefined ? '' : `, refers to ${parent.label}`
  return `${name} (in ${tables} ${tables === 1 ? 'table' : 'tables'}${refers})`
}
