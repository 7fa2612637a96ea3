import { isBookkeeping } from '../../catalog/bookkeeping.ts'
import type { Relation } from '../../catalog/model.ts'
import { VERBS, type Verb } from '../../catalog/verbs.ts'
import { appliesTo, covers } from '../../prove/effective.ts'
import { isTable } from '../../tenancy/discovery/tenant-root.ts'
import type { ActingRole, Facts, Weakness } from '../../tenancy/facts.ts'
import { privilegeOf } from '../../tenancy/reach.ts'
import { saysNothing } from '../readings/says-nothing.ts'

/** A table that the application may use, that no policy restricts, and in which no tenant column was found. */
export interface UnwalledTable {
  readonly object: string
  /** Verbs that roles of the application may use. */
  readonly verbs: readonly Verb[]
  /** Why it does not count as a tenant table. */
  readonly reason: string
}

/** Tables without a tenant that a role of the application may use without any restriction by policies. */
export function unwalledTables(facts: Facts): readonly UnwalledTable[] {
  return facts.relations.flatMap((relation): readonly UnwalledTable[] => {
    if (
      !isTable(relation) ||
      (relation.isPartition && !isBesidePolicies(facts, relation)) ||
      isBookkeeping(relation) ||
      facts.tenantTable(relation) !== undefined
    )
      return []
    const verbs = VERBS.filter((verb) =>
      facts.reach(relation, privilegeOf(verb)).some((role) => isOpen(facts, relation, verb, role)),
    )
    return verbs.length === 0 ? [] : [{ object: relation.label, verbs, reason: reasonOf(facts, relation) }]
  })
}

/** Whether the partitioned table has policies but no tenant column. A statement that names the partition avoids these policies. */
function isBesidePolicies(facts: Facts, { parents }: Relation): boolean {
  return parents.some((oid) => {
    const parent = facts.relationOf(oid)
    if (parent === undefined || facts.tenantTable(parent) !== undefined) return false
    return facts.judgedTable(parent) !== undefined || isBesidePolicies(facts, parent)
  })
}

/**
 * Whether policies do not restrict the verb for the role: none apply, a permissive policy is true for every row, or its condition asks nothing
 * of the session, such as `id > 0`.
 */
export function isOpen(facts: Facts, relation: Relation, verb: Verb, role: ActingRole): boolean {
  if (!facts.protectedFor(relation, role)) return true
  if (passesTo(facts, relation, verb, role, 'everybody') !== undefined) return true
  const own = relation.policies.filter((policy) => covers(policy.command, verb) && appliesTo(policy, role))
  const idle = (policy: Relation['policies'][number]) =>
    saysNothing(facts, relation, verb === 'insert' ? (policy.check ?? policy.using) : policy.using)
  return (
    own.some((policy) => policy.permissive && idle(policy)) && own.every((policy) => policy.permissive || idle(policy))
  )
}

/** The branch of a policy that lets every row of the table pass for everybody, or for sessions that fulfil a condition. */
export function passesTo(
  facts: Facts,
  relation: Relation,
  verb: Verb,
  role: ActingRole,
  whom: NonNullable<Weakness['passes']>,
): Weakness | undefined {
  const table = facts.judgedTable(relation)
  if (table?.kind !== 'child' || table.unbound !== true || verb === 'insert') return undefined
  const proof = facts.proofs.of(relation, verb, role)
  return 'weaknesses' in proof ? proof.weaknesses.find(({ passes }) => passes === whom) : undefined
}

function reasonOf(facts: Facts, relation: Relation): string {
  const { columnNames, root } = facts.tenancy
  const names = columnNames.join(' or ')
  const target = root === undefined ? 'a table that has one' : `${root.relation.label} or to a table of tenants`
  const said = `it has no column ${names}, and no foreign key leads to ${target}`
  if (relation.policies.length > 0 && relation.rowSecurity)
    return `${said}; its policies let every tenant pass, because they compare none of its columns with the session’s tenant or user`
  return relation.rowSecurity ? said : `${said}; row-level security is off`
}
