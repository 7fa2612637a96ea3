import type { BranchInput } from './branch-input.ts'
import { isSameWhenEqual } from './comparable.ts'
import { Equalities } from './equalities.ts'
import { membership } from './membership.ts'
import type { Instance } from './scope.ts'
import type { Term } from './term.ts'
import { termOf } from './terms.ts'
import { namedByUser, type Witness, witnessOf } from './witness.ts'

type BranchProof =
  | {
      readonly proved: true
      /** The reason, as a report prints it. */
      readonly how: string
      /** The lookup tables that the proof relies on. */
      readonly trusts: readonly Instance[]
      /** For a table without a tenant: the lookup row that names the row. */
      readonly witness?: Witness
    }
  | { readonly proved: false; readonly knows: Equalities }

/** Tries to prove that each row for which the branch's conditions are true belongs to the context's tenant. */
export function proveBranch(input: BranchInput): BranchProof {
  const { branch, facts, instances, row, table } = input
  const knows = new Equalities()
  for (const atom of branch.atoms) {
    if (atom.kind !== 'operator' || atom.op !== '=' || atom.left === undefined) continue
    const [left, right] = [termOf(atom.left, facts, instances), termOf(atom.right, facts, instances)]
    if (isSameWhenEqual(left, right, facts)) knows.union(left.key, right.key)
  }
  const lookups = branch.instances
  const belonging = new Set<string>()
  spread(input, knows, belonging)
  const isContext = (key: string) => knows.same(key, 'context')

  if (table.kind === 'child' && table.unbound === true) {
    const witness = witnessOf(input, knows, belonging)
    if (witness === undefined) return { proved: false, knows }
    const how = `a row of ${witness.instance.relation.label} that belongs to the context’s tenant names it`
    return { proved: true, how, trusts: lookups, witness }
  }
  if (table.kind !== 'child') {
    const own = `${row.id}.${table.column.name}`
    if (isContext(own))
      return { proved: true, how: lookupNames(lookups, 'tenant column = context'), trusts: trusted(input, knows, own) }
  } else if (belonging.has(row.id) || namedByUser(input)) {
    return {
      proved: true,
      how: lookupNames(lookups, 'its parent belongs to the context’s tenant'),
      trusts: trusted(input, knows, row.id).filter((instance) => !seesOnlyNamed(input, instance)),
    }
  }
  const key = table.kind === 'child' ? undefined : membership(input, knows, row, table.column.name)
  if (key !== undefined) return { proved: true, how: 'tenant column is a tenant of the session’s key', trusts: key }
  return { proved: false, knows }
}

/**
 * Adds to `belonging` each row (the policy's own row or a lookup row) that belongs to the context's tenant. It repeats until it finds no
 * further row.
 *
 * A row belongs to the context's tenant in each of these cases:
 * - its tenant column equals the context;
 * - lookup rows connect its tenant column with the session's key (see {@link membership});
 * - its parent row belongs to the context's tenant;
 * - it is a lookup row, the policies of its table are proved for SELECT, and the setting holds a tenant and not the key of a user or session.
 */
function spread(input: BranchInput, knows: Equalities, belonging: Set<string>): void {
  const { facts, branch, row, table, ask } = input
  const all = [row, ...branch.instances]
  const bound = (instance: Instance) => (instance === row ? table : facts.tenantTable(instance.relation))
  for (const instance of branch.instances) {
    const own = bound(instance)
    if (seesOnlyNamed(input, instance)) belonging.add(instance.id)
    if (own === undefined || instance.viewer === 'bypass' || !facts.protectedFor(instance.relation, instance.viewer))
      continue
    const proof = ask(instance.relation, 'select', instance.viewer)
    if (proof?.status !== 'proved' || facts.tenancy.context.kind === 'key') continue
    if (own.kind === 'child') belonging.add(instance.id)
    else knows.union(`${instance.id}.${own.column.name}`, 'context')
  }
  let changed = true
  while (changed) {
    changed = false
    for (const instance of all) {
      const own = bound(instance)
      if (own === undefined || belonging.has(instance.id)) continue
      const viaColumn = own.kind !== 'child' && knows.same(`${instance.id}.${own.column.name}`, 'context')
      const viaKey = own.kind !== 'child' && membership(input, knows, instance, own.column.name) !== undefined
      const viaParent =
        own.kind === 'child' &&
        own.parents.some((link) =>
          all.some(
            (parent) =>
              parent.relation.oid === link.parent.oid &&
              belonging.has(parent.id) &&
              link.columns.every((column, at) =>
                knows.same(`${instance.id}.${column}`, `${parent.id}.${link.parentColumns[at] ?? ''}`),
              ),
          ),
        )
      if (viaColumn || viaKey || viaParent) {
        belonging.add(instance.id)
        changed = true
      }
    }
  }
}

/**
 * Whether a new membership can refer only to rows that the writer sees already. True if the referenced table has no tenant, and its
 * policies show only rows to which memberships of the writer's tenant refer. If this question is still open, the answer is true: see
 * "Cycles", "For a write", in src/prove/README.md.
 */
function seesOnlyNamed({ facts, table, row, ask, clause }: BranchInput, { relation, viewer }: Instance): boolean {
  if (clause !== 'check' || table.kind !== 'child' || relation.oid === row.relation.oid || viewer === 'bypass')
    return false
  const seen = facts.judgedTable(relation)
  if (seen?.kind !== 'child' || seen.unbound !== true || !facts.protectedFor(relation, viewer)) return false
  if (!table.parents.some(({ parent }) => parent.oid === relation.oid)) return false
  const proof = ask(relation, 'select', viewer, true)
  return proof === undefined || proof.status === 'proved'
}

/** The lookup tables that the proof depends on. Empty if the branch compares the row's own tenant column with the context. */
function trusted(input: BranchInput, knows: Equalities, own: string): readonly Instance[] {
  // Equalities between the row's own columns and the context. If these equalities are enough to prove the branch, the proof uses no lookup
  // table.
  const direct = new Equalities()
  for (const atom of input.branch.atoms) {
    if (atom.kind !== 'operator' || atom.op !== '=' || atom.left === undefined) continue
    const terms: readonly Term[] = [
      termOf(atom.left, input.facts, input.instances),
      termOf(atom.right, input.facts, input.instances),
    ]
    const [left, right] = terms
    if (left === undefined || right === undefined || !isSameWhenEqual(left, right, input.facts)) continue
    const ofRow = terms.every((term) => term.kind === 'context' || term.key.startsWith(`${input.row.id}.`))
    if (ofRow) direct.union(left.key, right.key)
  }
  if (direct.same(own, 'context')) return []
  return input.branch.instances.filter(
    (instance) =>
      instance.relation.columns.some((column) => knows.same(`${instance.id}.${column.name}`, 'context')) ||
      input.table.kind === 'child',
  )
}

function lookupNames(instances: readonly Instance[], how: string): string {
  const names = [...new Set(instances.map((instance) => instance.relation.name))]
  return names.length === 0 ? how : `${how} (through ${names.join(', ')})`
}
