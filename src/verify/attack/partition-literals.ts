import type { Catalog } from '../../catalog/catalog.ts'
import type { Relation } from '../../catalog/model.ts'

/** Values for the columns of the partition key that lead to an existing partition: SQL literals by column name. */
export function partitionLiterals(catalog: Catalog, relation: Relation): ReadonlyMap<string, string> {
  const literals = new Map<string, string>()
  let table: Relation | undefined = relation
  while (table?.partitionKey !== undefined) {
    const children: readonly Relation[] = table.children.flatMap((oid) => catalog.relations.get(oid) ?? [])
    // A default partition and hash partitions accept any value.
    if (children.some((child) => child.partitionBound === 'DEFAULT') || table.partitionKey.startsWith('HASH'))
      return literals
    const chosen: Relation | undefined = children.find((child) => child.partitionBound !== undefined)
    if (chosen === undefined) return literals
    const columns = columnsOf(table.partitionKey)
    const values = valuesOf(chosen.partitionBound ?? '')
    columns.forEach((column, at) => {
      const value = values[at]
      if (value !== undefined) literals.set(column, value)
    })
    table = chosen
  }
  return literals
}

function columnsOf(key: string): readonly string[] {
  const inside = /\((.*)\)$/s.exec(key)?.[1] ?? ''
  return inside.split(',').map((part) => part.trim().replace(/^"|"$/g, ''))
}

/** A value inside a partition's bound: the first one of a list, the lower bound of a range (which is inclusive). */
function valuesOf(bound: string): readonly string[] {
  const list = /^FOR VALUES IN \((.*)\)$/s.exec(bound)?.[1]
  if (list !== undefined) return splitList(list).slice(0, 1)
  const range = /^FOR VALUES FROM \((.*)\) TO \((.*)\)$/s.exec(bound)
  if (range === null) return []
  const low = splitList(range[1] ?? '')
  const high = splitList(range[2] ?? '')
  return low
    .map((value, at) => (value === 'MINVALUE' ? (high[at] ?? value) : value))
    .filter((value) => value !== 'MAXVALUE')
}

function splitList(list: string): readonly string[] {
  return list.match(/'(?:[^']|'')*'|[^,\s]+/g) ?? []
}

/** The values, as texts, that the list partitions on this column accept. Empty if a default partition accepts all other values. */
export function listedValues(catalog: Catalog, relation: Relation, column: string): readonly string[] {
  if (relation.partitionKey?.startsWith('LIST') !== true || columnsOf(relation.partitionKey)[0] !== column) return []
  const children = relation.children.flatMap((oid) => catalog.relations.get(oid) ?? [])
  if (children.some((child) => child.partitionBound === 'DEFAULT')) return []
  return children.flatMap((child) => {
    const list = /^FOR VALUES IN \((.*)\)$/s.exec(child.partitionBound ?? '')?.[1]
    return list === undefined ? [] : splitList(list).map((value) => value.replace(/^'|'$/g, '').replaceAll("''", "'"))
  })
}
