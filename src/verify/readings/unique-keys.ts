import type { Column, Index, Relation } from '../../catalog/model.ts'
import { walkExpression } from '../../sql/walk.ts'
import type { Facts, TenantTable } from '../../tenancy/facts.ts'

/** A unique or exclusion index of a tenant-bound table that does not name the tenant as a column. */
export interface UnscopedIndex {
  readonly table: TenantTable
  readonly relation: Relation
  readonly index: Index
  /** The constraint's name, or the index's: what the server's error names. */
  readonly name: string
  readonly exclusion: boolean
  /** Columns in the key, its expressions and its predicate. */
  readonly columns: readonly Column[]
  /** The tenant stands in an expression of the key: only an attack can tell. */
  readonly tenantInside: boolean
}

const known = new WeakMap<Facts, readonly UnscopedIndex[]>()

/** Unique and exclusion indexes in which one tenant's value meets another's. Surrogate keys and secrets are left out. */
export function unscopedIndexes(facts: Facts): readonly UnscopedIndex[] {
  let list = known.get(facts)
  if (list === undefined) {
    list = [...facts.tenancy.tables.values()].flatMap((table) => indexesOf(facts, table))
    known.set(facts, list)
  }
  return list
}

function indexesOf(facts: Facts, table: TenantTable): readonly UnscopedIndex[] {
  const { relation } = table
  // What names a tenant is unique among all tenants; a partition's index is its parent's.
  if (table.kind === 'root' || relation.isPartition) return []
  return relation.indexes.flatMap((index): readonly UnscopedIndex[] => {
    if (!index.unique && !index.exclusion) return []
    const key = index.columns.flatMap((number) => facts.columnNumbered(relation, number) ?? [])
    const inside = columnsOf(facts, relation, index.expressions)
    if (key.some((column) => isScope(facts, table, column))) return []
    if (key.some((column) => isSurrogate(relation, column))) return []
    if (index.columns.length === 1 && key[0] !== undefined && isSecret(key[0])) return []
    const constraint = relation.constraints.find(
      (candidate) => candidate.index === index.oid && candidate.kind !== 'foreign-key',
    )
    const all = new Set([...key, ...inside, ...columnsOf(facts, relation, index.predicate)])
    return [
      {
        table,
        relation,
        index,
        name: constraint?.name ?? index.name,
        exclusion: index.exclusion || constraint?.withoutOverlaps === true,
        columns: [...all],
        tenantInside: inside.some((column) => isScope(facts, table, column)),
      },
    ]
  })
}

/** The tenant itself, or a reference to the tenants or to a row of one tenant: the key is then within that tenant. */
function isScope(facts: Facts, table: TenantTable, column: Column): boolean {
  if (column === table.column) return true
  return table.relation.constraints.some((constraint) => {
    if (constraint.references === undefined || !constraint.columns.includes(column.number)) return false
    const target = facts.relationOf(constraint.references.relation)
    return target !== undefined && facts.tenantTable(target) !== undefined
  })
}

/** A value that the database or the program draws: nobody guesses it, and nobody has a reason to choose it. */
function isSurrogate(relation: Relation, column: Column): boolean {
  if (column.identity !== undefined || /\bnextval\(|uuid|random/i.test(column.default ?? '')) return true
  if (column.baseType === 'uuid') return true
  const primary = relation.constraints.some(
    (constraint) => constraint.kind === 'primary-key' && constraint.columns.includes(column.number),
  )
  if (!primary) return false
  return (
    /^(smallint|integer|bigint)$/.test(column.baseType) || /^(id|uid|pk|ulid|guid|.*_(id|uid|ulid))$/i.test(column.name)
  )
}

/** Looked up before there is a tenant, and not to be guessed. */
function isSecret(column: Column): boolean {
  return /(token|secret|hash|digest|nonce|jti|signature|fingerprint)/i.test(column.name)
}

function columnsOf(facts: Facts, relation: Relation, text: string | undefined): readonly Column[] {
  if (text === undefined) return []
  const names = new Set<string>()
  const parsed = facts.sql.expression(`row(${text})`)
  if (parsed.ok)
    walkExpression(parsed.value, {
      expression: (expr) => {
        if (expr.kind === 'column') names.add(expr.name)
      },
    })
  return relation.columns.filter((column) => names.has(column.name))
}
