import type { Relation } from '../../catalog/model.ts'
import type { ActingRole, Facts, Proof, Proofs } from '../facts.ts'
import type { Verb } from '../finding.ts'
import { privilegeOf } from '../reach.ts'

/** The prover of one run; each relation, verb and role is proved once. */
export function makeProofs(facts: Facts): Proofs {
  const known = new Map<string, Proof>()
  return {
    of(relation, verb, role) {
      const key = `${relation.oid}/${verb}/${role.role.oid}`
      const before = known.get(key)
      if (before !== undefined) return before
      const proof = prove(facts, relation, verb, role)
      known.set(key, proof)
      return proof
    },
  }
}

function prove(facts: Facts, relation: Relation, verb: Verb, role: ActingRole): Proof {
  if (!facts.privileges.onRelation(role.role.oid, relation, privilegeOf(verb)))
    return { status: 'dark', how: 'no privilege' }
  return { status: 'unproved', how: 'not yet', weaknesses: [] }
}
