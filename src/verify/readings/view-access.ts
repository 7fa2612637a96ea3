import type { Oid, Relation } from '../../catalog/model.ts'
import type { Expr, Query } from '../../sql/tree.ts'
import { contextSettings } from '../../tenancy/context-settings.ts'
import { functionFinder, settingsIn } from '../../tenancy/discovery/settings.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { tenantSources } from '../rules/matview-exposed.ts'
import { hasOpenPolicy } from './definer-owner.ts'
import { filterReaches } from './filter-reaches.ts'
import { holdsRows } from './held-query.ts'
import { lookingPolicies } from './looked-up-tables.ts'

/** Tenant tables that a view shows without their policies, and whether the view itself filters by tenant. */
interface ViewAccess {
  /** Tables that the view's own query reads. */
  readonly direct: readonly string[]
  /** Tables that a view inside this one reads. */
  readonly nested: readonly string[]
  /** The inner views through which the outer view shows the tables in `nested`. */
  readonly through: readonly string[]
  readonly filtered: boolean
}

/** True when the view's relations are read with the caller's rights. */
export function isInvokerView(relation: Relation): boolean {
  return /^(?:true|on|yes|1)$/i.test(relation.options.get('security_invoker') ?? 'false')
}

export function hasBarrier(relation: Relation): boolean {
  return /^(?:true|on|yes|1)$/i.test(relation.options.get('security_barrier') ?? 'false')
}

/** The tenant tables whose rows a view shows without their policies, because the policies do not apply to the view's owner. */
export function viewAccess(facts: Facts, view: Relation): ViewAccess {
  const direct = new Set<string>()
  const nested = new Set<string>()
  const through = new Set<string>()
  // A security_invoker view reads as the caller, whose access is judged at the tables themselves.
  const owner = isInvokerView(view) ? undefined : view.owner
  const visit = (relation: Relation, reader: Oid | undefined, depth: number, seen: ReadonlySet<Oid>): boolean => {
    let shows = false
    for (const oid of relation.readsRelations) {
      const read = facts.relationOf(oid)
      if (read === undefined || seen.has(oid)) continue
      if (read.kind === 'view') {
        const inner = isInvokerView(read) ? reader : read.owner
        if (!filtersByContext(facts, read) && visit(read, inner, depth + 1, new Set([...seen, oid]))) {
          through.add(read.label)
          shows = true
        }
        continue
      }
      // A materialized view stores the rows that its owner saw at the last REFRESH, and it can have no policies.
      const stored = read.kind === 'materialized-view' && tenantSources(facts, read).length > 0
      if (stored && reader !== undefined) {
        shows = true
        if (depth === 0) direct.add(read.label)
        else nested.add(read.label)
        continue
      }
      if (!holdsTenants(facts, read) || reader === undefined || !escapes(facts, reader, read)) continue
      shows = true
      if (depth === 0) direct.add(read.label)
      else nested.add(read.label)
    }
    return shows
  }
  visit(view, owner, 0, new Set([view.oid]))
  return {
    direct: [...direct].sort(),
    nested: [...nested].sort(),
    through: [...through].sort(),
    filtered: filtersByContext(facts, view),
  }
}

/** Whether rows of the table belong to tenants: it is a tenant table, or its policies look up whose row it is, as those of `users` do. */
function holdsTenants(facts: Facts, read: Relation): boolean {
  return facts.tenantTable(read) !== undefined || (read.rowSecurity && lookingPolicies(facts, read).length > 0)
}

/** True when the table's policies do not apply to this role, or show it the rows of all tenants. */
function escapes(facts: Facts, reader: Oid, table: Relation): boolean {
  const role = facts.catalog.roles.get(reader)
  if (role === undefined || role.superuser || role.bypassRls) return true
  if (!table.rowSecurity) return true
  if (!table.forceRowSecurity && facts.graph.rightsOf(reader).has(table.owner)) return true
  return hasOpenPolicy(facts, reader, table)
}

const known = new WeakMap<Relation, boolean>()

/** True when the view's query compares a tenant column with the context. */
function filtersByContext(facts: Facts, view: Relation): boolean {
  const before = known.get(view)
  if (before !== undefined) return before
  const parsed = facts.sql.view(view)
  const { columnNames, root } = facts.tenancy
  const settings = contextSettings(facts)
  const finder = functionFinder(facts.catalog)
  const isFilter = (column: Expr, other: Expr) => compares({ kind: 'operator', op: '=', left: column, right: other })
  const compares = (expr: Expr): boolean => {
    if (expr.kind !== 'operator' || expr.op !== '=' || expr.left === undefined) return false
    const sides = [expr.left, expr.right]
    const column = sides.some(
      (side) => side.kind === 'column' && (columnNames.includes(side.name) || side.name === root?.key.name),
    )
    return column && sides.some((side) => settingsIn(side, facts.sql, finder).some((use) => settings.has(use.setting)))
  }
  const reaches = (query: Query): boolean =>
    query.setOperation === undefined
      ? view.readsRelations.every((oid) => {
          const read = facts.relationOf(oid)
          return (
            read === undefined || facts.tenantTable(read) === undefined || filterReaches(facts, query, read, isFilter)
          )
        })
      : reaches(query.setOperation.left) && reaches(query.setOperation.right)
  const found = parsed.ok && holdsRows(parsed.value, compares) && reaches(parsed.value)
  known.set(view, found)
  return found
}

/** Verbs that an automatically updatable view passes on to its table, and that some role of the application may use. */
export function writableVerbs(facts: Facts, view: Relation): readonly ('insert' | 'update' | 'delete')[] {
  const bits = [
    ['update', 4, 'UPDATE'],
    ['insert', 8, 'INSERT'],
    ['delete', 16, 'DELETE'],
  ] as const
  return bits
    .filter(([, bit, privilege]) => (view.updatable & bit) !== 0 && facts.reach(view, privilege).length > 0)
    .map(([verb]) => verb)
}
