import type { Relation } from '../../catalog/model.ts'
import type { ActingRole, Facts, TenantTable, Weakness } from '../facts.ts'
import type { AskProof } from './branch-proof.ts'
import type { Instance } from './scope.ts'

/**
 * A lookup table that the attacker can change is no witness: he makes himself a member, or moves the parent to his tenant.
 * `undefined` when all can be trusted.
 */
export function untrustedLookup(
  facts: Facts,
  lookups: readonly Instance[],
  table: TenantTable,
  role: ActingRole,
  ask: AskProof,
): Pick<Weakness, 'rule' | 'certain' | 'explanation' | 'subject'> | undefined {
  for (const { relation } of lookups) {
    if (relation.oid === table.relation.oid) continue
    const parent = isParentOf(relation, table)
    for (const verb of ['insert', 'update'] as const) {
      // A new parent has a new key, so it changes nothing for rows that point at the old one.
      if (verb === 'insert' && parent) continue
      if (!facts.privileges.onRelation(role.role.oid, relation, verb === 'insert' ? 'INSERT' : 'UPDATE')) continue
      const open = !facts.protectedFor(relation, role)
      const proof = open ? undefined : ask(relation, verb, role)
      if (!open && (proof === undefined || proof.status === 'proved' || proof.status === 'dark')) continue
      // A parent is stolen by reaching another tenant's row; a membership is made by writing what one likes.
      const weaknesses = proof !== undefined && 'weaknesses' in proof ? proof.weaknesses : []
      if (!open && !weaknesses.some((weakness) => weakness.clause === (parent ? 'using' : 'check'))) continue
      // The parent's own finding says it, and rows that hang on it follow.
      const derived = parent && !open
      return {
        rule: derived ? 'unproved' : 'policy-trusts-unprotected-table',
        certain: !derived && (open || proof?.status === 'open'),
        explanation: `the policy trusts ${relation.label}, where ${role.role.name} may ${verb} what it likes`,
        subject: relation.label,
      }
    }
  }
  return undefined
}

function isParentOf(relation: Relation, table: TenantTable): boolean {
  return table.relation.constraints.some((constraint) => constraint.references?.relation === relation.oid)
}
