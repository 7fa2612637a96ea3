import type { Column, Policy, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Verb } from '../../catalog/verbs.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'
import { verbsInReach } from '../../tenancy/reach.ts'

/** A tenant table that is protected and could be weakened. */
export interface ProtectedTable {
  readonly relation: Relation
  /** Quoted for SQL. */
  readonly name: string
  readonly column: Column
  /** The tenant column, quoted. */
  readonly tenant: string
  /** Verbs that some role of the application may use. A weaker policy for another verb would change nothing. */
  readonly verbs: readonly Verb[]
  /** Restrictive policies that test the tenant. */
  readonly restrictive: readonly Policy[]
  /** A role that may read the table or, if there is none, some acting role. */
  readonly role: ActingRole
  /** SQL that drops the restrictive policies that test the tenant. While they exist, a weak permissive policy is no hole. */
  readonly withoutRestrictive: string
}

/** Tables with row security on and a tenant column, that some role of the application may use. */
export function protectedTables(facts: Facts): readonly ProtectedTable[] {
  return facts.relations.flatMap((relation) => {
    const column = facts.tenantTable(relation)?.column
    const verbs = verbsInReach(facts, relation)
    if (column === undefined || verbs.length === 0 || !relation.rowSecurity || relation.isPartition) return []
    const role = facts.reach(relation, 'SELECT')[0] ?? facts.acting[0]
    if (role === undefined) return []
    const name = qualifiedName(relation)
    const restrictive = relation.policies.filter(
      (policy) => !policy.permissive && `${policy.using} ${policy.check}`.includes(column.name),
    )
    return [
      {
        relation,
        name,
        column,
        tenant: quoteIdentifier(column.name),
        role,
        verbs,
        restrictive,
        withoutRestrictive: restrictive
          .map((policy) => `drop policy ${quoteIdentifier(policy.name)} on ${name}; `)
          .join(''),
      },
    ]
  })
}
