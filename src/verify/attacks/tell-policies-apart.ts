import type { Relation } from '../../catalog/model.ts'
import type { Verb } from '../../catalog/verbs.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Attack } from '../attack/attack.ts'
import { crosses } from '../attack/crosses.ts'
import { besides, withOnlyPolicy } from '../attack/only-policy.ts'
import { allWeaknesses, type PolicyWeakness } from '../readings/weaknesses.ts'

/** Repeats each crossing that several policies could cause, with one of these policies at a time. */
export const tellPoliciesApart: Attack = {
  name: 'tell-policies-apart',
  title: 'finds out which of several policies lets rows of another tenant through',
  needs: 'a table that leaks although it has several policies for the verb',
  rules: [],
  passes: ['set', 'never-set'],
  async run(arena) {
    const seen = new Set<string>()
    for (const { object, crossing } of arena.crossings()) {
      const { relation, verb, by } = crossing
      if (seen.has(`${object}/${verb}/${by.name}`)) continue
      seen.add(`${object}/${verb}/${by.name}`)
      for (const { policyObject: policy } of suspects(arena.facts, relation, verb)) {
        if (policy === undefined || besides(relation, policy, verb).length === 0) continue
        const alone = await withOnlyPolicy(arena, relation, policy, verb, () =>
          crosses(arena, relation, verb, by.role, by.context),
        )
        // A policy that queries its own table depends on the table's other policies. If no row of B is reached with this policy alone, that
        // shows nothing about the policy.
        const looksIntoItself = policy.relations.includes(relation.oid)
        if (alone === true || !looksIntoItself) arena.attribute(object, verb, by.name, policy.name, alone === true)
      }
    }
  },
}

function suspects(facts: Facts, relation: Relation, verb: Verb): readonly PolicyWeakness[] {
  return allWeaknesses(facts).filter((weakness) => weakness.relation === relation && weakness.verbs.includes(verb))
}
