import type { Policy, Relation } from '../../catalog/model.ts'
import type { Verb } from '../../catalog/verbs.ts'
import { appliesTo, covers } from '../../prove/effective.ts'
import { isTable } from '../../tenancy/discovery/tenant-root.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'
import { saysNothing } from './says-nothing.ts'

/** Policies of a table without a tenant that query a tenant table, such as those of `users` that query `members`. */
export function lookingPolicies(facts: Facts, relation: Relation): readonly Policy[] {
  if (!isTable(relation) || relation.isPartition || facts.tenantTable(relation) !== undefined) return []
  return relation.policies.filter((policy) =>
    policy.relations.some((oid) => oid !== relation.oid && facts.tenancy.tables.has(oid)),
  )
}

/** A policy that lets every row pass, although another policy for this role and verb looks up who may see the row. */
export function wideBesideLookup(facts: Facts, relation: Relation, verb: Verb, role: ActingRole): Policy | undefined {
  const inForce = relation.policies.filter((policy) => covers(policy.command, verb) && appliesTo(policy, role))
  const narrow = new Set(lookingPolicies(facts, relation))
  const idle = (policy: Policy) =>
    saysNothing(facts, relation, verb === 'insert' ? (policy.check ?? policy.using) : policy.using)
  // A restrictive policy that is true for every row restricts nothing.
  const restricted = inForce.some((policy) => !policy.permissive && !idle(policy))
  if (restricted || !inForce.some((policy) => narrow.has(policy))) return undefined
  return inForce.find((policy) => policy.permissive && idle(policy))
}
