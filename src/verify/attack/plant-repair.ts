import type { Column, Relation } from '../../catalog/model.ts'
import type { ValueMaker } from './plant-values.ts'
import type { Draft, PlantedTenant } from './planting.ts'
import type { ProbeError } from './session.ts'

/** Makes the next draft from the error of the last one. */
type Repair = (refusal: ProbeError | undefined) => Draft

const MAX_REPAIRS = 60

/**
 * Yields the drafts to try after the first draft was refused: first a draft with only the required columns, then drafts with other values
 * for the columns that errors name.
 */
export function* repairs(
  maker: ValueMaker,
  relation: Relation,
  full: Draft,
  needed: Draft,
  input: { readonly serial: number; readonly tenant: PlantedTenant; readonly tenantColumn: Column | undefined },
): Generator<Repair> {
  let draft: Draft = needed
  yield () => draft
  const tried = new Map<Column, number>()
  for (let round = 0; round < MAX_REPAIRS; round += 1) {
    yield (refusal) => {
      // Never change the tenant column: the row would belong to another tenant.
      const columns = (refusal === undefined ? [] : suspects(relation, refusal, full)).filter(
        (suspect) => suspect !== input.tenantColumn,
      )
      const column = columns.sort((x, y) => (tried.get(x) ?? 0) - (tried.get(y) ?? 0))[0]
      if (column === undefined) return draft
      const at = tried.get(column) ?? 0
      tried.set(column, at + 1)
      const values = maker.alternatives(relation, column, input.serial + round, input.tenant.canary)
      const value = values[at % Math.max(values.length, 1)]
      if (value !== undefined) draft = new Map([...draft, [column, value]])
      return draft
    }
  }
}

/**
 * Returns the columns that an error is about: the column that it names, or the columns of the domain or constraint that it names. If it
 * names none of these, returns the text columns whose names occur in its message.
 */
function suspects(relation: Relation, refusal: ProbeError, full: Draft): Column[] {
  if (refusal.column !== undefined) return relation.columns.filter((column) => column.name === refusal.column)
  if (refusal.dataType !== undefined)
    return relation.columns.filter((column) => typeName(column.type) === refusal.dataType)
  const constraint = relation.constraints.find((candidate) => candidate.name === refusal.constraint)
  const fixed = new Set(relation.constraints.filter((c) => c.references !== undefined).flatMap((c) => c.columns))
  if (constraint !== undefined && constraint.references === undefined)
    return relation.columns.filter((column) => constraint.columns.includes(column.number) && !fixed.has(column.number))
  return [...full.keys()].filter(
    (column) => column.category === 'S' && !fixed.has(column.number) && refusal.text.includes(column.name),
  )
}

/** A type's name as PostgreSQL's errors write it: the element type of an array, without schema and quotes. */
function typeName(type: string): string | undefined {
  return type
    .replace(/(\[\])+$/, '')
    .split('.')
    .at(-1)
    ?.replaceAll('"', '')
}
