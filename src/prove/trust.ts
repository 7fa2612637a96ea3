import type { Relation } from '../catalog/model.ts'
import type { ActingRole, Facts, TenantTable, Weakness } from '../tenancy/facts.ts'
import type { AskProof } from './branch-input.ts'
import { rolesInReach } from './roles-in-reach.ts'
import type { Instance } from './scope.ts'
import { viewOrFunctionThatWrites } from './writers.ts'

type Untrusted = Pick<Weakness, 'kind' | 'certain' | 'explanation' | 'subject'>

/**
 * The reason why a lookup table can't be trusted: an attacker may write it, and so could become a member of another tenant, or move another
 * tenant's parent row to their own tenant. Undefined if all lookup tables can be trusted.
 *
 * An attacker may write with any role in reach (docs/glossary.md), directly, through a partition of the table, or through a view or
 * function that runs with its owner's rights.
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
    // Try the acting role first. If it may write the lookup table itself, this is the simplest explanation.
    const roles = [role, ...rolesInReach(facts).filter((other) => other.role.oid !== role.role.oid && !other.bypasses)]
    const maker = hasOrphans(relation, table)
      ? roles.find((writer) => facts.privileges.onRelation(writer.role.oid, relation, 'INSERT'))
      : undefined
    if (maker !== undefined)
      return {
        kind: 'beyond-the-prover',
        certain: false,
        explanation: `rows may refer to a row of ${relation.label} that does not exist, and ${maker.role.name} may insert that row`,
        subject: relation.label,
      }
    for (const written of [relation, ...descendants(facts, relation)])
      for (const writer of roles) {
        const found = writtenBy(facts, written, relation, parent, writer, ask)
        if (found !== undefined) return found
      }
    if (relation.oid === table.relation.oid) continue
    const lender = viewOrFunctionThatWrites(facts, relation, ask)
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
    // A new parent row has a new key. Existing rows refer to other parents, so an INSERT gives nobody access to them.
    if (verb === 'insert' && parent) continue
    if (!facts.privileges.onRelation(role.role.oid, written, verb === 'insert' ? 'INSERT' : 'UPDATE')) continue
    const open = !facts.protectedFor(written, role)
    const proof = open ? undefined : ask(written, verb, role)
    if (!open && (proof === undefined || proof.status === 'proved' || proof.status === 'dark')) continue
    // To move a parent, an attacker must change another tenant's row, so USING must be weak. To become a member, an attacker needs only a new
    // row, so WITH CHECK must be weak.
    const weaknesses = proof !== undefined && 'weaknesses' in proof ? proof.weaknesses : []
    const harmless = weaknesses.length > 0 && !weaknesses.some(({ clause }) => clause === (parent ? 'using' : 'check'))
    if (!open && harmless) continue
    // A parent whose own policy is weak has a finding of its own. The weakness of this policy follows from that finding.
    const derived = parent && !open
    return {
      kind: derived ? 'beyond-the-prover' : 'trusts-table',
      certain: !derived && (open || proof?.status === 'open'),
      explanation: `the policy trusts ${trusted.label}, where ${role.role.name} may ${verb} rows of any tenant`,
      subject: trusted.label,
    }
  }
  return undefined
}

/** Partitions and inheriting tables: a query of the parent reads their rows, but a direct write there follows their own policies. */
function descendants(facts: Facts, relation: Relation): readonly Relation[] {
  return relation.children.flatMap((oid) => {
    const child = facts.relationOf(oid)
    return child === undefined ? [] : [child, ...descendants(facts, child)]
  })
}

/** Whether a valid foreign key guarantees that each row has a parent in this relation. Then no existing row refers to a future parent. */
function isParentOf(relation: Relation, table: TenantTable): boolean {
  return linksTo(relation, table).some(({ enforced, validated }) => enforced && validated)
}

/** Whether rows may point at a parent that does not exist. An attacker who inserts that parent would own those rows. */
function hasOrphans(relation: Relation, table: TenantTable): boolean {
  return table.kind === 'child' && linksTo(relation, table).length > 0 && !isParentOf(relation, table)
}

function linksTo(relation: Relation, table: TenantTable) {
  return table.relation.constraints.filter(({ references }) => references?.relation === relation.oid)
}
