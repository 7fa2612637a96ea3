import type { Column, Oid, Relation } from '../../catalog/model.ts'
import type { ChildLink, TenantTable } from '../facts.ts'
import { tenantNameWeight } from './tenant-names.ts'
import { isTable } from './tenant-root.ts'
import type { ColumnVote } from './votes.ts'

interface TablesInput {
  readonly relations: readonly Relation[]
  readonly columnNames: readonly string[]
  readonly root: { readonly relation: Relation; readonly key: Column } | undefined
  readonly votes: readonly ColumnVote[]
}

/** Binds each table to tenants: by a tenant column, as the table of tenants, or by foreign keys to a table that is bound already. */
export function bindTables({ relations, columnNames, root, votes }: TablesInput): ReadonlyMap<Oid, TenantTable> {
  const tables = relations.filter(isTable)
  const bound = new Map<Oid, TenantTable>()
  for (const relation of tables) {
    if (root !== undefined && relation.oid === root.relation.oid) {
      bound.set(relation.oid, { kind: 'root', relation, column: root.key })
      continue
    }
    const column = tenantColumnOf(relation, { relations, columnNames, root, votes })
    if (column !== undefined) bound.set(relation.oid, { kind: 'tenant', relation, column })
  }
  bindChildren(tables, bound)
  return bound
}

function tenantColumnOf(relation: Relation, { relations, columnNames, root, votes }: TablesInput): Column | undefined {
  for (const name of columnNames) {
    const column = relation.columns.find((candidate) => candidate.name === name)
    if (column !== undefined) return column
  }
  const paired = pairedWithTenant(relation, relations, columnNames)
  if (paired !== undefined) return paired
  // The column has another name, but a foreign key to the table of tenants.
  const references = relation.constraints
    .filter(
      (constraint) =>
        root !== undefined && constraint.references?.relation === root.relation.oid && constraint.columns.length === 1,
    )
    .flatMap((constraint) => relation.columns.filter((column) => column.number === constraint.columns[0]))
    .sort(
      (a, b) =>
        tenantNameWeight(b.name) - tenantNameWeight(a.name) ||
        Number(b.notNull) - Number(a.notNull) ||
        a.number - b.number,
    )
  if (references[0] !== undefined) return references[0]
  const voted = votes.find(
    (vote) => vote.relation.oid === relation.oid && vote.via === 'direct' && tenantNameWeight(vote.column) === 2,
  )
  return voted === undefined ? undefined : relation.columns.find((column) => column.name === voted.column)
}

/** A column that a composite foreign key pairs with the parent's tenant column. Such a column is a tenant column, whatever its name. */
function pairedWithTenant(
  relation: Relation,
  relations: readonly Relation[],
  columnNames: readonly string[],
): Column | undefined {
  for (const { columns, references } of relation.constraints) {
    if (references === undefined || references.relation === relation.oid || columns.length < 2) continue
    const parent = relations.find((candidate) => candidate.oid === references.relation)
    const at = references.columns.findIndex((number) =>
      parent?.columns.some((column) => column.number === number && columnNames.includes(column.name)),
    )
    const own = at < 0 ? undefined : relation.columns.find((column) => column.number === columns[at])
    if (own !== undefined) return own
  }
  return undefined
}

function bindChildren(tables: readonly Relation[], bound: Map<Oid, TenantTable>): void {
  let changed = true
  while (changed) {
    changed = false
    for (const relation of tables) {
      if (bound.has(relation.oid)) continue
      const parents = linksOf(relation, bound)
      if (parents.length === 0) continue
      bound.set(relation.oid, { kind: 'child', relation, column: undefined, parents })
      changed = true
    }
  }
  for (const table of bound.values()) if (table.kind === 'child') addRequiredLinks(table, bound)
}

/**
 * Adds links to a child table. A child is bound as soon as one parent is bound, so a link to another child may be missing. If all links
 * that were found are nullable, the missing links with NOT NULL columns are added, because only these give every row a tenant.
 */
function addRequiredLinks(table: Extract<TenantTable, { kind: 'child' }>, bound: Map<Oid, TenantTable>): void {
  const { relation, parents } = table
  const isRequired = ({ columns }: ChildLink) =>
    columns.every((name) => relation.columns.some((column) => column.name === name && column.notNull))
  if (parents.some(isRequired)) return
  const known = new Set(parents.map((link) => link.parent.oid))
  const more = linksOf(relation, bound).filter((link) => !known.has(link.parent.oid) && isRequired(link))
  if (more.length > 0) bound.set(relation.oid, { ...table, parents: [...parents, ...more] })
}

/**
 * The foreign keys to tables that are bound to tenants. Keys to the table of tenants are left out, because their column is the tenant
 * column.
 */
function linksOf(relation: Relation, bound: ReadonlyMap<Oid, TenantTable>): readonly ChildLink[] {
  return relation.constraints.flatMap((constraint): readonly ChildLink[] => {
    const references = constraint.references
    const parent = references === undefined ? undefined : bound.get(references.relation)
    if (references === undefined || parent === undefined || parent.relation.oid === relation.oid) return []
    if (parent.kind === 'root') return []
    return [
      {
        parent: parent.relation,
        columns: namesOf(relation, constraint.columns),
        parentColumns: namesOf(parent.relation, references.columns),
      },
    ]
  })
}

function namesOf(relation: Relation, numbers: readonly number[]): readonly string[] {
  return numbers.map((number) => relation.columns.find((column) => column.number === number)?.name ?? '')
}
