import type { Policy, Relation } from '../../catalog/model.ts'
import { VERBS, type Verb } from '../../catalog/verbs.ts'
import type { Facts, Weakness } from '../../tenancy/facts.ts'
import type { RuleId } from '../finding/rule-id.ts'
import { classify } from './classify.ts'

/** A weakness of a policy, and the rule that reports it. One weakness of several verbs or roles appears once. */
export interface PolicyWeakness extends Weakness {
  readonly rule: RuleId
  readonly relation: Relation
  readonly policyObject: Policy | undefined
  readonly verbs: readonly Verb[]
  readonly roles: readonly string[]
}

const known = new WeakMap<Facts, readonly PolicyWeakness[]>()

/** All weaknesses of the run that this rule reports. Each weakness belongs to exactly one rule. */
export function weaknessesOf(facts: Facts, rule: RuleId): readonly PolicyWeakness[] {
  return allWeaknesses(facts).filter((weakness) => weakness.rule === rule)
}

export function allWeaknesses(facts: Facts): readonly PolicyWeakness[] {
  let all = known.get(facts)
  if (all === undefined) {
    all = gather(facts)
    known.set(facts, all)
  }
  return all
}

function gather(facts: Facts): readonly PolicyWeakness[] {
  const joined = new Map<string, PolicyWeakness>()
  for (const { relation } of facts.tenancy.tables.values()) {
    for (const role of facts.acting) {
      if (!facts.protectedFor(relation, role)) continue
      for (const verb of VERBS) {
        const proof = facts.proofs.of(relation, verb, role)
        if (proof.status !== 'open' && proof.status !== 'unproved') continue
        for (const weakness of proof.weaknesses) {
          const policyObject = relation.policies.find((policy) => policy.name === weakness.policy)
          const rule = classify(facts, { from: 'weakness', relation, verb, role, weakness, policy: policyObject })
          if (rule === undefined) continue
          const key = [
            relation.oid,
            rule,
            weakness.policy,
            weakness.clause === 'check' && rule === 'policy-check-lax' ? 'check' : '',
          ].join('/')
          const before = joined.get(key)
          joined.set(key, {
            ...weakness,
            rule,
            relation,
            policyObject,
            certain: weakness.certain || before?.certain === true,
            verbs: unique([...(before?.verbs ?? []), verb]),
            roles: unique([...(before?.roles ?? []), role.role.name]),
          })
        }
      }
    }
  }
  return [...joined.values()]
}

function unique<T>(items: readonly T[]): readonly T[] {
  return [...new Set(items)]
}
