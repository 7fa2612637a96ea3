import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import { VERBS } from '../../catalog/verbs.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { privilegeOf } from '../../tenancy/reach.ts'
import type { FindingDraft } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { lookingPolicies, wideBesideLookup } from '../readings/looked-up-tables.ts'
import { policyFindings } from '../readings/policy-finding.ts'

export const policyPermissiveOr: Rule = {
  id: 'policy-permissive-or',
  group: 'policy',
  ofProtect: 'always',
  title: 'A wide policy stands beside a narrow one',
  severity: 'critical',
  meaning: 'Permissive policies are combined by OR: the widest one decides, however strict the others are.',
  remedy: 'Let the narrow policy cover every command, or write it AS RESTRICTIVE, or drop the wide one.',
  *run(facts) {
    yield* policyFindings(facts, 'policy-permissive-or', {
      message: () => 'is wide, and permissive policies are OR-ed with it',
    })
    yield* besideLookups(facts)
  },
}

/**
 * Tables without a tenant column, such as `users`, in which one policy shows a row only to the tenants of that user, and another policy
 * shows all rows.
 */
function* besideLookups(facts: Facts): Iterable<FindingDraft> {
  for (const relation of facts.relations) {
    const looking = lookingPolicies(facts, relation)
    if (looking.length === 0) continue
    const wide = new Map<string, string[]>()
    for (const verb of VERBS)
      for (const role of facts.reach(relation, privilegeOf(verb))) {
        const policy = facts.protectedFor(relation, role) ? wideBesideLookup(facts, relation, verb, role) : undefined
        if (policy === undefined) continue
        wide.set(policy.name, [...new Set([...(wide.get(policy.name) ?? []), verb])])
      }
    for (const [name, verbs] of wide)
      yield {
        object: relation.label,
        detail: name,
        message: `Policy ${name} on ${relation.label} is wide, and permissive policies are OR-ed with it: the lookup of ${looking.map((policy) => policy.name).join(', ')} has no effect.`,
        evidence: [`true for every row on ${verbs.join(', ')}`],
        fix: `DROP POLICY IF EXISTS ${quoteIdentifier(name)} ON ${qualifiedName(relation)};`,
      }
  }
}
