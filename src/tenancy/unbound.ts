import { isBookkeeping } from '../catalog/bookkeeping.ts'
import type { Oid, Relation } from '../catalog/model.ts'
import { VERBS } from '../catalog/verbs.ts'
import { isTable } from './discovery/tenant-root.ts'
import type { ChildLink, Facts, TenantTable } from './facts.ts'
import { privilegeOf } from './reach.ts'

/**
 * Tables that are bound to no tenant and whose policies apply to a role in reach: only the policies decide which rows a tenant reaches. The
 * usual example is `users`, whose policy looks up the memberships of a user. In the scope that judges tables of persons the result is
 * empty, because all tables of tenants would be unbound there.
 */
export function unboundTables(facts: Facts): ReadonlyMap<Oid, TenantTable> {
  const { tenancy } = facts
  if (tenancy.personal === true) return new Map()
  return new Map(
    facts.relations
      .filter((relation) => isUnbound(facts, relation))
      .map((relation) => [
        relation.oid,
        { kind: 'child', relation, column: undefined, parents: naming(facts, relation), unbound: true },
      ]),
  )
}

function isUnbound(facts: Facts, relation: Relation): boolean {
  if (!isTable(relation) || !relation.rowSecurity || isBookkeeping(relation)) return false
  if (facts.tenantTable(relation) !== undefined) return false
  return VERBS.some((verb) =>
    facts.reach(relation, privilegeOf(verb)).some((role) => facts.protectedFor(relation, role)),
  )
}

/** The foreign keys of tenant tables that lead to this table, such as `team_members.user_id` to `users.id`. */
function naming(facts: Facts, relation: Relation): readonly ChildLink[] {
  const nameOf = (table: Relation, number: number) =>
    table.columns.find((column) => column.number === number)?.name ?? ''
  return [...facts.tenancy.tables.values()].flatMap(({ relation: parent }) =>
    parent.constraints.flatMap(({ references, columns, enforced, validated }): readonly ChildLink[] =>
      references?.relation === relation.oid && enforced && validated && !parent.isPartition
        ? [
            {
              parent,
              columns: references.columns.map((number) => nameOf(relation, number)),
              parentColumns: columns.map((number) => nameOf(parent, number)),
            },
          ]
        : [],
    ),
  )
}
