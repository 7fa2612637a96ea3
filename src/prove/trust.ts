import type { Relation } from '../catalog/model.ts'
import type { ActingRole, Facts, TenantTable, Weakness } from '../tenancy/facts.ts'
import type { AskProof } from './branch-input.ts'
import { rolesInReach } from './roles-in-reach.ts'
import type { Instance } from './scope.ts'
import { ownersWhoWrite } from './writers.ts'

type Untrusted = Pick<Weakness, 'kind' | 'certain' | 'explanation' | 'subject'>

/**
 * A lookup table that the attacker can change is no witness: he makes himself a member, or moves the parent to his tenant.
 * `undefined` when all can be trusted.
 *
 * He changes it as any role in reach, in a partition of it, through a view or a function with the rights of its owner.
 */
export function untrustedLookup(
  facts: Facts,
  lookups: readonly Instance[],
  table: TenantTable,
  role: ActingRole,
  ask: AskProof,
): Untrusted | undefined {
  for (const { relation } of lookups) {
    const parent = isParentOf(relation, table)
    // The acting role first: what it may do itself is the plainest thing to say.
    const roles = [role, ...rolesInReach(facts).filter((other) => other.role.oid !== role.role.oid && !other.bypasses)]
    const maker = hasOrphans(relation, table)
      ? roles.find((writer) => facts.privileges.onRelation(writer.role.oid, relation, 'INSERT'))
      : undefined
    if (maker !== undefined)
      return {
        kind: 'beyond-the-prover',
        certain: false,
        explanation: `rows may point at ${relation.label} where there is none, and ${maker.role.name} may insert it`,
        subject: relation.label,
      }
    for (const written of [relation, ...descendants(facts, relation)])
      for (const writer of roles) {
        const found = writtenBy(facts, written, relation, parent, writer, ask)
        if (found !== undefined) return found
      }
    if (relation.oid === table.relation.oid) continue
    const lender = ownersWhoWrite(facts, relation, ask)
    if (lender !== undefined)
      return {
        kind: 'beyond-the-prover',
        certain: false,
        explanation: `the policy trusts ${relation.label}, which ${lender} writes with the rights of its owner`,
        subject: relation.label,
      }
  }
  return undefined
}

function writtenBy(
  facts: Facts,
  written: Relation,
  trusted: Relation,
  parent: boolean,
  role: ActingRole,
  ask: AskProof,
): Untrusted | undefined {
  for (const verb of ['insert', 'update'] as const) {
    // A new parent has a new key, so it changes nothing for rows that point at the old one.
    if (verb === 'insert' && parent) continue
    if (!facts.privileges.onRelation(role.role.oid, written, verb === 'insert' ? 'INSERT' : 'UPDATE')) continue
    const open = !facts.protectedFor(written, role)
    const proof = open ? undefined : ask(written, verb, role)
    if (!open && (proof === undefined || proof.status === 'proved' || proof.status === 'dark')) continue
    // A parent is stolen by reaching another tenant's row; a membership is made by writing what one likes.
    const weaknesses = proof !== undefined && 'weaknesses' in proof ? proof.weaknesses : []
    const harmless = weaknesses.length > 0 && !weaknesses.some(({ clause }) => clause === (parent ? 'using' : 'check'))
    if (!open && harmless) continue
    // The parent's own finding says it, and rows that hang on it follow.
    const derived = parent && !open
    return {
      kind: derived ? 'beyond-the-prover' : 'trusts-table',
      certain: !derived && (open || proof?.status === 'open'),
      explanation: `the policy trusts ${trusted.label}, where ${role.role.name} may ${verb} what it likes`,
      subject: trusted.label,
    }
  }
  return undefined
}

/** Rows of partitions and of tables that inherit are read as the parent's, and written by rules of their own. */
function descendants(facts: Facts, relation: Relation): readonly Relation[] {
  return relation.children.flatMap((oid) => {
    const child = facts.relationOf(oid)
    return child === undefined ? [] : [child, ...descendants(facts, child)]
  })
}

/** Each row of the table has its parent there: then a new one is nobody's yet. */
function isParentOf(relation: Relation, table: TenantTable): boolean {
  return linksTo(relation, table).some(({ enforced, validated }) => enforced && validated)
}

/** Rows may point at a parent that is not there: whoever makes it has them. */
function hasOrphans(relation: Relation, table: TenantTable): boolean {
  return table.kind === 'child' && linksTo(relation, table).length > 0 && !isParentOf(relation, table)
}

function linksTo(relation: Relation, table: TenantTable) {
  return table.relation.constraints.filter(({ references }) => references?.relation === relation.oid)
}
