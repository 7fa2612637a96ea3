import type { Policy, Relation } from '../../catalog/model.ts'
import { VERBS, type Verb } from '../../catalog/verbs.ts'
import type { Facts, Weakness, WeaknessKind } from '../../tenancy/facts.ts'
import type { RuleId } from '../finding/rule-id.ts'
import { classify } from './classify.ts'
import { lookingPolicies } from './looked-up-tables.ts'
import { saysNothing } from './says-nothing.ts'

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
  for (const relation of facts.relations) {
    const table = facts.judgedTable(relation)
    if (table === undefined) continue
    const unbound = table.kind === 'child' && table.unbound === true
    for (const role of facts.acting) {
      if (!facts.protectedFor(relation, role)) continue
      for (const verb of VERBS) {
        const proof = facts.proofs.of(relation, verb, role)
        if (proof.status !== 'open' && proof.status !== 'unproved') continue
        for (const weakness of proof.weaknesses) {
          const policyObject = relation.policies.find((policy) => policy.name === weakness.policy)
          if (unbound && !isOfUnbound(facts, relation, weakness, policyObject)) continue
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

/** The kinds of weakness that open a table of people whose other policies look up who may see the row. */
const BESIDE_LOOKUPS: ReadonlySet<WeaknessKind> = new Set([
  'always-true',
  'captured-name',
  'fail-open',
  'swallowed-error',
  'bypass-flag',
  'user-claim',
  'column-opt-out',
])

/**
 * Whether a weakness of a table without a tenant is a hole. A policy such as `is_published` on a list for all tenants is no hole. The
 * weakness is a hole if another policy of the table looks up whose row it is.
 */
function isOfUnbound(facts: Facts, relation: Relation, { kind }: Weakness, policy: Policy | undefined): boolean {
  if (kind === 'trusts-table') return true
  // Policies that say `true` or the like are reported by policy-permissive-or and by the list of unwalled tables.
  const idle = kind === 'always-true' && saysNothing(facts, relation, policy?.using ?? policy?.check)
  return !idle && BESIDE_LOOKUPS.has(kind) && lookingPolicies(facts, relation).length > 0
}

function unique<T>(items: readonly T[]): readonly T[] {
  return [...new Set(items)]
}
