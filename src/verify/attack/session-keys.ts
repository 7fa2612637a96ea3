import type { Column, Relation } from '../../catalog/model.ts'
import { quoteLiteral } from '../../catalog/names.ts'
import { same } from '../../tenancy/discovery/choose-context.ts'
import type { Facts, SettingBinding } from '../../tenancy/facts.ts'
import type { Said } from './contexts.ts'
import { serialUuid } from './plant-values.ts'
import type { Planting, Side } from './planting.ts'

/**
 * Values for settings other than the tenant's setting, such as a setting that names the user. For each setting that policies compare with
 * columns, and for each side (tenant A or B), there is one value. All columns that are compared with the setting get this value in the
 * planted rows of the side, and the session of the side sets the setting to it. So the planted rows belong to the user of their side.
 */
export interface SessionKeys {
  /** SQL of the column's value on this side; undefined if no setting is compared with it. */
  value(column: Column, side: Side, tenantId: string): string | undefined
  /**
   * The settings that the side's session needs besides the tenant's setting. Their values are read from the planted rows: a trigger, or a
   * repeated INSERT after an error, may have replaced the value that `value()` gave.
   */
  beside(planting: Planting, side: Side): readonly Said[]
}

interface KeyClass {
  readonly binding: SettingBinding
  readonly columns: ReadonlyMap<Column, Relation>
  readonly numeric: boolean
}

export function sessionKeys(facts: Facts, nonce: string): SessionKeys {
  const { context, bindings } = facts.tenancy
  const tenantColumns = new Set([...facts.tenancy.tables.values()].flatMap((table) => table.column ?? []))
  const classes = bindings
    .filter(({ use }) => context.kind === 'key' || !same(use, context))
    .map((binding): KeyClass => {
      const columns = closure(facts, binding, tenantColumns)
      return { binding, columns, numeric: [...columns.keys()].some((column) => column.category === 'N') }
    })
  // Columns that policies compare with the context, except the tenant column itself. They get the tenant's id.
  const tenants = new Set(
    bindings
      .filter(({ use }) => context.kind === 'tenant' && same(use, context))
      .flatMap(({ columns }) => columns.map(({ column }) => column))
      .filter((column) => !tenantColumns.has(column)),
  )
  const seed = Number.parseInt(nonce, 16) % 10_000
  const number = (at: number, side: Side) => at * 10 + (side === 'a' ? 1 : 2)
  return {
    value(column, side, tenantId) {
      if (tenants.has(column)) return `${quoteLiteral(tenantId)}::${column.type}`
      const at = classes.findIndex((each) => each.columns.has(column))
      const found = classes[at]
      if (found === undefined) return undefined
      const small = 20_000 + number(at, side)
      const text = found.numeric
        ? String(column.baseType === 'smallint' ? small : 1_500_000_000 + seed * 100 + number(at, side))
        : serialUuid(0xc00000000 + seed * 1000 + number(at, side))
      return `${quoteLiteral(text)}::${column.type}`
    },
    beside(planting, side) {
      return classes.flatMap(({ binding, columns }): readonly Said[] => {
        const { use } = binding
        if ([context, ...context.alternatives].some((other) => same(other, use))) return []
        for (const { relation, column } of binding.columns) {
          if (!columns.has(column)) continue
          const value = planting.row(relation, side)?.values[column.name]
          if (typeof value === 'string') return [{ use, value }]
        }
        return []
      })
    },
  }
}

/** The columns of a binding and the columns that they reference, such as `members.user_id` and `users.id`. */
function closure(
  facts: Facts,
  binding: SettingBinding,
  tenantColumns: ReadonlySet<Column>,
): ReadonlyMap<Column, Relation> {
  const found = new Map<Column, Relation>()
  const edge = binding.columns.map(({ relation, column }) => ({ relation, column }))
  for (let next = edge.pop(); next !== undefined; next = edge.pop()) {
    const { relation, column } = next
    if (found.has(column) || tenantColumns.has(column)) continue
    found.set(column, relation)
    for (const { references, columns } of relation.constraints) {
      if (references === undefined || columns.length !== 1 || columns[0] !== column.number) continue
      const target = facts.relationOf(references.relation)
      const key = target?.columns.find((each) => each.number === references.columns[0])
      if (target !== undefined && key !== undefined) edge.push({ relation: target, column: key })
    }
  }
  return found
}
