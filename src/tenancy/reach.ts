import type { Relation } from '../catalog/model.ts'
import { VERBS, type Verb } from '../catalog/verbs.ts'
import type { Facts } from './facts.ts'

/** Verbs for which some acting role has the privilege. */
export function verbsInReach(facts: Facts, relation: Relation): readonly Verb[] {
  return VERBS.filter((verb) => facts.reach(relation, privilegeOf(verb)).length > 0)
}

export function privilegeOf(verb: Verb): 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE' {
  switch (verb) {
    case 'select':
      return 'SELECT'
    case 'insert':
      return 'INSERT'
    case 'update':
      return 'UPDATE'
    case 'delete':
      return 'DELETE'
  }
}
