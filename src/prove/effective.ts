import type { Policy, PolicyCommand, Relation } from '../catalog/model.ts'
import type { Verb } from '../catalog/verbs.ts'
import type { ActingRole } from '../tenancy/facts.ts'

/** One expression of one policy, which PostgreSQL checks for a verb. */
export interface Clause {
  readonly policy: Policy
  readonly text: string
}

/** The clauses for a verb: at least one permissive clause and all restrictive clauses must be true. */
export interface EffectiveClauses {
  readonly clause: 'using' | 'check'
  readonly permissive: readonly Clause[]
  readonly restrictive: readonly Clause[]
}

/**
 * The policies in force for a verb and a role, as PostgreSQL combines them. UPDATE has two lists: USING for the old row and WITH CHECK for
 * the new one.
 */
export function effectiveClauses(relation: Relation, verb: Verb, role: ActingRole): readonly EffectiveClauses[] {
  const using = () => combine(relation, verb, role, 'using')
  const check = () => combine(relation, verb, role, 'check')
  if (verb === 'insert') return [check()]
  return verb === 'update' ? [using(), check()] : [using()]
}

export function appliesTo(policy: Policy, role: ActingRole): boolean {
  return policy.roles.some((oid) => oid === 0 || role.rights.has(oid))
}

export function covers(command: PolicyCommand, verb: Verb): boolean {
  return command === 'all' || command === verb
}

function combine(relation: Relation, verb: Verb, role: ActingRole, clause: 'using' | 'check'): EffectiveClauses {
  const permissive: Clause[] = []
  const restrictive: Clause[] = []
  for (const policy of relation.policies) {
    if (!appliesTo(policy, role) || !covers(policy.command, verb)) continue
    // Without WITH CHECK the USING expression is checked; a policy FOR INSERT has no USING.
    const text = clause === 'using' ? policy.using : (policy.check ?? policy.using)
    const list = policy.permissive ? permissive : restrictive
    // A policy without an expression has no condition, as if it said `true`.
    list.push({ policy, text: text ?? 'true' })
  }
  return { clause, permissive, restrictive }
}
