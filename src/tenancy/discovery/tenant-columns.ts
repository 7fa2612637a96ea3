import type { Column, Relation } from '../../catalog/model.ts'
import { ConfigurationError } from '../../errors.ts'
import { stemOf } from './tenant-names.ts'
import type { Evidence } from './votes.ts'
import { type Candidate, targetsOf, weighColumns } from './weigh-columns.ts'

interface ChosenColumn {
  readonly name: string
  /** Columns that were weighed, are not much lighter and were not taken, the likeliest first. */
  readonly others: readonly Candidate[]
}

/** As near as this to the best, a second candidate is no second. */
const CLOSE = 1.5

/**
 * Chooses the column that most tables and policies agree on.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` when there is none, or when two stand close and nothing decides: with both
 */
export function chooseColumnName(tables: readonly Relation[], evidence: Evidence): ChosenColumn {
  const candidates = weighColumns(tables, evidence)
  const [heaviest] = candidates
  // A policy that compares a column with a setting says more than any name: apps whose tenants are their users.
  if (heaviest === undefined || !isEnough(heaviest)) {
    throw new ConfigurationError('No tenant column was found. Name it with --tenant-column NAME.', {
      details: { candidates: candidates.slice(0, 5).map((candidate) => candidate.name) },
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

/** One column in one table says little, unless it refers to a table of such a name. */
function isEnough({ score, direct, claimed, named }: Candidate): boolean {
  return score >= 1.5 || direct > 0 || (claimed && named)
}

/**
 * Where tenants stand in one another (sites of a company) and no policy decides, the outer one: the inner one's rows are its
 * children, and are looked at with it.
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
  // Rows of more tables, the best's own parent among them, belong to it: only its name speaks against it.
  if (standsIn(best, other) && other.tables > best.tables) return true
  if (belongsTo(other, best, tables) || belongsTo(best, other, tables)) return false
  // Beside a table of tenants, what is only referred to often is a list of countries or currencies.
  if (best.claimed && !other.claimed) return false
  return other.score * CLOSE >= best.score
}

/** The same tenants under another name. */
function alike(a: Candidate, b: Candidate): boolean {
  if (a.parent !== undefined && b.parent !== undefined) return a.parent.oid === b.parent.oid
  return stemOf(a.name) === stemOf(b.name)
}

/** A path of foreign keys, or a column of the outer one's name, leads from the inner one's parent to the outer one's. */
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

/** Many rows of the inner one's parent may refer to one row of the outer one's. A unique key is one row in two tables. */
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
