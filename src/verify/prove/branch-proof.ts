import type { Relation } from '../../catalog/model.ts'
import type { ActingRole, Facts, Proof, TenantTable } from '../facts.ts'
import type { Verb } from '../finding.ts'
import type { Branch } from './branch.ts'
import { isSameWhenEqual } from './comparable.ts'
import { Equalities } from './equalities.ts'
import type { Instance, Instances } from './scope.ts'
import { type Term, termOf } from './terms.ts'

/** What the branch proof asks about other tables; undefined while that proof is under way. */
export type AskProof = (relation: Relation, verb: Verb, role: ActingRole) => Proof | undefined

export interface BranchInput {
  readonly facts: Facts
  readonly instances: Instances
  /** The row that the policy is about. */
  readonly row: Instance
  readonly table: TenantTable
  readonly role: ActingRole
  readonly branch: Branch
  readonly clause: 'using' | 'check'
  readonly ask: AskProof
}

export type BranchProof =
  | {
      readonly proved: true
      readonly how: string /** Lookup tables that the proof stands on. */
      readonly trusts: readonly Instance[]
    }
  | { readonly proved: false; readonly knows: Equalities }

/** Shows that a branch implies that the row is of the context's tenant. */
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

  if (table.kind !== 'child') {
    const own = `${row.id}.${table.column.name}`
    if (isContext(own))
      return { proved: true, how: lookupNames(lookups, 'tenant column = context'), trusts: trusted(input, knows, own) }
  } else if (belonging.has(row.id)) {
    return {
      proved: true,
      how: lookupNames(lookups, 'its parent is of the context'),
      trusts: trusted(input, knows, row.id),
    }
  }
  const key = table.kind === 'child' ? undefined : membership(input, knows, row, table.column.name)
  if (key !== undefined) return { proved: true, how: 'tenant column is a tenant of the session’s key', trusts: key }
  return { proved: false, knows }
}

/** Adds what row security and foreign keys say about the lookup tables, until nothing new follows. */
function spread(input: BranchInput, knows: Equalities, belonging: Set<string>): void {
  const { facts, branch, row, table, ask } = input
  const all = [row, ...branch.instances]
  const bound = (instance: Instance) => (instance === row ? table : facts.tenantTable(instance.relation))
  for (const instance of branch.instances) {
    const own = bound(instance)
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

/** In a schema whose setting holds a key: the lookup rows that join this row's tenant value with that key. */
function membership(
  input: BranchInput,
  knows: Equalities,
  target: Instance,
  column: string,
): readonly Instance[] | undefined {
  const { facts, branch, row, clause } = input
  if (facts.tenancy.context.kind !== 'key') return undefined
  // A row that is being written is no witness for itself: whoever names himself in it may name any tenant beside.
  const hasKey = (instance: Instance) =>
    (instance !== row || clause === 'using') &&
    instance.relation.columns.some((own) => knows.same(`${instance.id}.${own.name}`, 'key'))
  // The session's own row names the session's own tenant.
  if (hasKey(target)) return []
  const constants = constantsOf(input)
  const joins = (one: string, other: string) =>
    knows.same(one, other) && !constants.some((constant) => knows.same(one, constant))
  const all = clause === 'check' ? branch.instances : [row, ...branch.instances]
  const lookups = all.filter((instance) => instance !== target)
  // Walk from the rows with the key over keys that they share to one that holds the tenant value.
  const reached = new Set(lookups.filter(hasKey))
  let grew = true
  while (grew) {
    grew = false
    for (const from of reached)
      for (const to of lookups) {
        if (reached.has(to) || !joined(facts, from, to, joins)) continue
        reached.add(to)
        grew = true
      }
  }
  const holds = [...reached].some((instance) =>
    instance.relation.columns.some((own) => joins(`${instance.id}.${own.name}`, `${target.id}.${column}`)),
  )
  return holds ? [...reached].filter((instance) => instance !== row) : undefined
}

/** Rows that have a key in common. A status or a date in common joins everybody. */
function joined(facts: Facts, from: Instance, to: Instance, joins: (one: string, other: string) => boolean): boolean {
  return keysOf(facts, from).some((column) =>
    keysOf(facts, to).some((other) => joins(`${from.id}.${column}`, `${to.id}.${other}`)),
  )
}

/** Columns that name a row, of this table or of another. A view and a table without constraints have those that they have. */
function keysOf(facts: Facts, { relation }: Instance): readonly string[] {
  const keys = relation.constraints.filter(({ kind }) => /^(primary-key|unique|foreign-key)$/.test(kind))
  const numbers = new Set(keys.flatMap((constraint) => constraint.columns))
  const tenant = facts.tenantTable(relation)?.column?.name
  return relation.columns.filter(({ number, name }) => numbers.has(number) || name === tenant).map(({ name }) => name)
}

/** Keys of the constants that values of this branch are compared with. */
function constantsOf({ branch, facts, instances }: BranchInput): readonly string[] {
  return branch.atoms.flatMap((atom) => {
    if (atom.kind !== 'operator' || atom.op !== '=' || atom.left === undefined) return []
    return [termOf(atom.left, facts, instances), termOf(atom.right, facts, instances)].flatMap((term) =>
      term.kind === 'constant' ? [term.key] : [],
    )
  })
}

/** Lookup tables without which the conclusion would not follow: all but those that row security alone does not need. */
function trusted(input: BranchInput, knows: Equalities, own: string): readonly Instance[] {
  // The row's own column was compared with the context in this very branch: no lookup is needed.
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
