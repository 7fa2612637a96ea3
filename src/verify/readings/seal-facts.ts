import type { Policy, Relation } from '../../catalog/model.ts'
import type { Verb } from '../../catalog/verbs.ts'
import { appliesTo, covers } from '../../prove/effective.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'

/** The schema `partywall`, if partywall's own migrations were applied. */
export function sealSchema(facts: Facts) {
  return [...facts.catalog.schemas.values()].find((schema) => schema.name === 'partywall')
}

/** The table with the seal's keys. */
export function keyTable(facts: Facts): Relation | undefined {
  return [...facts.catalog.relations.values()].find(
    (relation) => relation.schema === 'partywall' && relation.name === 'seal_keys',
  )
}

function isSealPolicy(policy: Policy): boolean {
  const sealed = (text: string | undefined) => text?.includes('partywall.tenant_id()') === true
  const needsUsing = policy.command !== 'insert'
  const needsCheck = policy.check !== undefined || policy.command === 'insert'
  return !policy.permissive && (!needsUsing || sealed(policy.using)) && (!needsCheck || sealed(policy.check))
}

/** Whether a restrictive policy on the verified seal applies to the role for this verb. */
export function isSealed(relation: Relation, verb: Verb, role: ActingRole): boolean {
  return (
    relation.rowSecurity &&
    relation.policies.some((policy) => isSealPolicy(policy) && covers(policy.command, verb) && appliesTo(policy, role))
  )
}

/** Whether some table has a seal policy, so that the others should have one too. */
export function meansToBeSealed(facts: Facts): boolean {
  return (
    sealSchema(facts) !== undefined &&
    facts.relations.some((relation) => relation.policies.some((policy) => isSealPolicy(policy)))
  )
}
