import type { Column, Oid, Relation } from '../catalog/model.ts'

/** How a table is bound to tenants, as discovery found it. */
export type FoundTable =
  | { readonly kind: 'tenant' | 'root'; readonly relation: Relation; readonly column: Column }
  | { readonly kind: 'child'; readonly relation: Relation; readonly parents: readonly FoundLink[] }

export interface FoundLink {
  readonly parent: Relation
  readonly columns: readonly string[]
  readonly parentColumns: readonly string[]
}

/** The tenant column, existing or to be added. */
export interface TenantColumn {
  readonly name: string
  /** The declared type of the column. */
  readonly type: string
  /** The type to which the session's tenant is cast. It is never a type that truncates a value. */
  readonly cast: string
  /** Undefined if the column must be added. */
  readonly existing: Column | undefined
}

/** A table to protect. */
export interface Target {
  readonly kind: 'tenant' | 'root' | 'child'
  readonly relation: Relation
  readonly column: TenantColumn
  /** The parent from which the tenant column is filled, if it must be filled. */
  readonly link: FoundLink | undefined
  /** Whether some rows have no tenant. A person must then decide about NOT NULL. */
  readonly hasOrphans: boolean
}

function tenantColumn(column: Column): TenantColumn {
  return { name: column.name, type: column.type, cast: castOf(column), existing: column }
}

/**
 * The type for casting the context. `varchar(5)` or `numeric(9,2)` would truncate or round it, so that another tenant's id could match.
 * A cast to `character` without a length means `character(1)`.
 */
function castOf(column: Column): string {
  const domain = column.typeOid !== column.baseTypeOid
  if (column.baseType === 'character') return 'bpchar'
  if (domain && column.baseType === 'character varying') return column.baseType
  return column.type.includes('(') ? column.baseType : column.type
}

/** A tenant table that gets no tenant column automatically, with the reason. */
type Undecided = { readonly relation: Relation; readonly reason: string }

/** The tables to protect, parents before children, so that a child's parent has a tenant column when the child is filled from it. */
export function makeTargets(
  tables: readonly FoundTable[],
  orphans: ReadonlySet<Oid>,
): { readonly targets: readonly Target[]; readonly undecided: readonly Undecided[] } {
  const targets = new Map<Oid, Target>()
  const undecided: Undecided[] = []
  const children = tables.filter((table) => table.kind === 'child')
  for (const table of tables)
    if (table.kind !== 'child') {
      const orphaned = orphans.has(table.relation.oid)
      const link = orphaned ? halfFilled(table, tables) : undefined
      targets.set(table.relation.oid, {
        kind: table.kind,
        relation: table.relation,
        column: tenantColumn(table.column),
        link,
        hasOrphans: orphaned && link === undefined,
      })
    }
  let waiting = children
  for (let before = -1; before !== waiting.length; ) {
    before = waiting.length
    waiting = waiting.filter((table) => {
      const link = table.parents.find((each) => targets.has(each.parent.oid) && isRequired(table.relation, each))
      const parent = link === undefined ? undefined : targets.get(link.parent.oid)
      if (parent === undefined) return true
      targets.set(table.relation.oid, {
        kind: 'child',
        relation: table.relation,
        column: { ...parent.column, existing: undefined },
        link,
        hasOrphans: false,
      })
      return false
    })
  }
  for (const table of waiting)
    undecided.push({
      relation: table.relation,
      reason: `belongs to ${table.parents.map((link) => link.parent.label).join(', ')} by foreign keys that may be NULL. A row without a parent would belong to no tenant. Add a tenant column by hand, or leave the table as it is if it contains no tenant’s data.`,
    })
  return { targets: [...targets.values()], undecided }
}

/**
 * The link to the parent, if the tenant column comes from an interrupted run of protect. Such a column has the name and type of the
 * parent's tenant column, but no default and no foreign key.
 */
function halfFilled(
  { relation, column }: Exclude<FoundTable, { kind: 'child' }>,
  tables: readonly FoundTable[],
): FoundLink | undefined {
  const ownKey = relation.constraints.some(
    (each) => each.references !== undefined && each.columns.length === 1 && each.columns[0] === column.number,
  )
  if (column.default !== undefined || ownKey) return undefined
  const nameOf = (of: Relation, number: number) => of.columns.find((each) => each.number === number)?.name ?? ''
  for (const { references, columns } of relation.constraints) {
    const parent = tables.find((table) => table.kind === 'tenant' && table.relation.oid === references?.relation)
    if (references === undefined || parent?.kind !== 'tenant' || parent.relation.oid === relation.oid) continue
    if (parent.column.name !== column.name || parent.column.type !== column.type) continue
    const link = {
      parent: parent.relation,
      columns: columns.map((number) => nameOf(relation, number)),
      parentColumns: references.columns.map((number) => nameOf(parent.relation, number)),
    }
    if (isRequired(relation, link)) return link
  }
  return undefined
}

function isRequired(relation: Relation, link: FoundLink): boolean {
  return link.columns.every((name) => relation.columns.some((column) => column.name === name && column.notNull))
}
