import type { Relation } from '../catalog/model.ts'
import type { Verb } from '../catalog/verbs.ts'
import type { ActingRole, Facts, Proof, TenantTable, Weakness } from '../tenancy/facts.ts'
import { privilegeOf } from '../tenancy/reach.ts'
import { BeyondProver } from './beyond.ts'
import type { Branch } from './branch.ts'
import type { AskProof, BranchInput } from './branch-input.ts'
import { proveBranch } from './branch-proof.ts'
import { Brancher } from './branches.ts'
import { type Clause, type EffectiveClauses, effectiveClauses } from './effective.ts'
import { hasEffects } from './effects.ts'
import { type ProveAs, selfGranted } from './granted-rows.ts'
import { loginOf } from './login.ts'
import { mayMove } from './new-rows.ts'
import { passesOf, passesUnread } from './passes.ts'
import { Resolver } from './resolve.ts'
import { type Instance, Instances, type Scope } from './scope.ts'
import { untrustedLookup } from './trust.ts'
import { weaknessOf } from './weakness.ts'
import { untrustedWitness } from './witness.ts'

/** Whether the policies for a verb and role imply that each row which passes them belongs to the context's tenant. */
export function prove(
  facts: Facts,
  relation: Relation,
  table: TenantTable | undefined,
  verb: Verb,
  role: ActingRole,
  ask: AskProof,
  nested = false,
): Proof {
  if (!facts.privileges.onRelation(role.role.oid, relation, privilegeOf(verb)))
    return { status: 'dark', how: `${role.role.name} may not ${verb}` }
  if (table === undefined) return { status: 'unproved', how: 'the table is bound to no tenant', weaknesses: [] }
  if (!facts.protectedFor(relation, role))
    return { status: 'unproved', how: 'row-level security does not apply to this role', weaknesses: [] }
  if (verb === 'insert' && isNewTenant(table))
    return { status: 'proved', how: 'a new row is a new tenant: its key is unique' }
  const proofs = effectiveClauses(relation, verb, role)
    .filter(
      (clauses) =>
        verb !== 'update' || clauses.clause === 'using' || (!isUnbound(table) && mayMove(facts, table, role)),
    )
    .map((clauses) => unlessTooLarge(() => proveClauses(facts, table, role, clauses, ask, nested)))
  if (verb === 'insert' && isNewName(table) && proofs.every(({ status }) => status !== 'dark'))
    return { status: 'proved', how: 'a new row has a new key, so no row of a tenant refers to it yet' }
  const weaknesses = proofs.flatMap((proof) => ('weaknesses' in proof ? proof.weaknesses : []))
  const dark = proofs.find((proof) => proof.status === 'dark')
  if (dark !== undefined) return dark
  if (proofs.some((proof) => proof.status === 'open')) return { status: 'open', weaknesses }
  const unproved = proofs.find((proof) => proof.status === 'unproved')
  if (unproved?.status === 'unproved') return { ...unproved, weaknesses }
  return proofs[0] ?? { status: 'dark', how: 'no policy' }
}

/** Whether an INSERT makes a new tenant: the row goes into the table of tenants, and its unique key can't be an existing tenant's. */
function isNewTenant(table: TenantTable): boolean {
  return (
    table.kind === 'root' &&
    table.relation.constraints.some(
      ({ kind, columns }) =>
        (kind === 'primary-key' || kind === 'unique') && columns.length === 1 && columns[0] === table.column.number,
    )
  )
}

function isUnbound(table: TenantTable): boolean {
  return table.kind === 'child' && table.unbound === true
}

/** Whether no tenant's row can refer to a row of an unbound table before that row exists, because foreign keys lead to its key. */
function isNewName(table: TenantTable): boolean {
  return table.kind === 'child' && table.unbound === true && table.parents.length > 0
}

/** Runs a proof. If the predicate is too large or nested too deep, the result is `unproved`, so that the run goes on. */
function unlessTooLarge(proveIt: () => Proof): Proof {
  try {
    return proveIt()
  } catch (error) {
    // RangeError: nested deeper than the stack.
    if (!(error instanceof BeyondProver || error instanceof RangeError)) throw error
    const how = error instanceof BeyondProver ? error.message : 'the predicate is nested too deep'
    return { status: 'unproved', how, weaknesses: [] }
  }
}

interface Parsing {
  readonly facts: Facts
  readonly table: TenantTable
  readonly role: ActingRole
  readonly row: Instance
  readonly instances: Instances
  readonly brancher: Brancher
  readonly resolver: Resolver
  readonly scope: Scope
  /** This proof was started by `selfGranted`, which must not be called again inside it. */
  readonly nested: boolean
}

function proveClauses(
  facts: Facts,
  table: TenantTable,
  role: ActingRole,
  clauses: EffectiveClauses,
  ask: AskProof,
  nested: boolean,
): Proof {
  const { relation } = table
  if (clauses.permissive.length === 0) return { status: 'dark', how: 'no permissive policy lets a row through' }
  const instances = new Instances()
  const row = instances.add(relation, role)
  const resolver = new Resolver(facts, instances, loginOf(facts, role))
  const scope: Scope = {
    items: [{ alias: relation.name, instance: row }],
    variables: new Map(),
    parameters: [],
    viewer: role,
    currentUser: role.role.name,
    ctes: new Map(),
    outer: undefined,
    inside: new Set(),
    path: undefined,
  }
  const parsing: Parsing = {
    facts,
    table,
    role,
    row,
    instances,
    resolver,
    brancher: new Brancher(resolver),
    scope,
    nested,
  }
  const changing = [...clauses.permissive, ...clauses.restrictive].filter((clause) => changes(facts, clause))
  if (changing.length > 0) {
    // A change that one policy makes for a row is seen by all policies at the next row, so none of them can be judged.
    const weaknesses = changing.map((clause) =>
      unread(parsing, clause, clauses.clause, says(clause, 'changes, or may change, what is read after it')),
    )
    return { status: 'unproved', how: weaknesses[0]?.explanation ?? '', weaknesses }
  }
  const restricting = restrictions(parsing, clauses.restrictive)
  if (restricting.some((branches) => branches.length === 0))
    return { status: 'dark', how: 'a restrictive policy lets no row through' }
  const weaknesses: Weakness[] = []
  const proved = new Set<string>()
  let any = false
  for (const clause of clauses.permissive) {
    const branches = branchesOf(parsing, clause)
    if (typeof branches === 'string') {
      // The permissive policy can't be read. The restrictive policies may still be enough to prove the row.
      const walled = judge(parsing, clauses.clause, clause, combine({ atoms: [], instances: [] }, restricting), ask)
      if (walled.proved) proved.add(walled.how)
      else weaknesses.push(unread(parsing, clause, clauses.clause, branches))
      any = true
      continue
    }
    for (const branch of branches) {
      any = true
      const result = judge(parsing, clauses.clause, clause, combine(branch, restricting), ask)
      if (result.proved) proved.add(result.how)
      else weaknesses.push(...result.weaknesses)
    }
  }
  if (!any) return { status: 'dark', how: 'no policy is ever true' }
  if (weaknesses.some((weakness) => weakness.certain)) return { status: 'open', weaknesses }
  const doubt = weaknesses[0]
  if (doubt !== undefined) return { status: 'unproved', how: doubt.explanation, weaknesses }
  return { status: 'proved', how: [...proved].join('; ') }
}

type Judged =
  | { readonly proved: true; readonly how: string }
  | { readonly proved: false; readonly weaknesses: readonly Weakness[] }

/** Proves the branches of a permissive policy, each combined with the restrictive policies. All of these branches must be proved. */
function judge(
  parsing: Parsing,
  kind: 'using' | 'check',
  clause: Clause,
  branches: readonly Branch[],
  ask: AskProof,
): Judged {
  const weaknesses: Weakness[] = []
  const how = new Set<string>()
  for (const branch of branches) {
    const { facts, instances, row, table, role } = parsing
    const proveAs: ProveAs = (as, verb, by) => prove(facts, as.relation, as, verb, by, ask, true)
    const input: BranchInput = { facts, instances, row, table, role, branch, clause: kind, ask }
    const proof = proveBranch(input)
    if (!proof.proved) {
      const weakness = weaknessOf(input, proof.knows, clause.policy.name, kind)
      const granted = weakness.certain || parsing.nested ? undefined : selfGranted(input, proof.knows, proveAs)
      const passes = isUnbound(table) ? passesOf(input, weakness.kind) : undefined
      weaknesses.push({ ...weakness, ...granted, ...(passes === undefined ? {} : { passes }) })
      continue
    }
    const untrusted =
      untrustedLookup(facts, proof.trusts, table, role, ask) ??
      (proof.witness === undefined ? undefined : untrustedWitness(input, proof.witness, proveAs))
    if (untrusted === undefined) how.add(proof.how)
    else weaknesses.push({ ...untrusted, policy: clause.policy.name, clause: kind, text: clause.text })
  }
  return weaknesses.length === 0 ? { proved: true, how: [...how].join('; ') } : { proved: false, weaknesses }
}

function restrictions(parsing: Parsing, clauses: readonly Clause[]): readonly (readonly Branch[])[] {
  return clauses.flatMap((clause) => {
    const branches = branchesOf(parsing, clause)
    // Leave out a restrictive policy that can't be read. This is safe, because less can be proved without it.
    return typeof branches === 'string' ? [] : [branches]
  })
}

/**
 * A permissive branch combined with each branch of the restrictive policies. A restrictive policy that would make more than 64
 * combinations is left out. This is safe, because less can be proved without it.
 */
function combine(branch: Branch, restricting: readonly (readonly Branch[])[]): readonly Branch[] {
  let product: readonly Branch[] = [branch]
  for (const branches of restricting) {
    if (product.length * branches.length > 64) continue
    product = product.flatMap((one) =>
      branches.map((other) => ({
        atoms: [...one.atoms, ...other.atoms],
        instances: [...one.instances, ...other.instances],
      })),
    )
  }
  return product
}

function changes(facts: Facts, clause: Clause): boolean {
  const parsed = facts.sql.expression(clause.text)
  return parsed.ok && hasEffects(parsed.value, facts)
}

function says(clause: Clause, what: string): string {
  return `policy ${clause.policy.name} ${what}`
}

function unread({ facts, table }: Parsing, clause: Clause, kind: 'using' | 'check', explanation: string): Weakness {
  const passes = isUnbound(table) ? passesUnread(facts, clause.text) : undefined
  return {
    ...(passes === undefined ? {} : { passes }),
    kind: 'beyond-the-prover',
    policy: clause.policy.name,
    clause: kind,
    text: clause.text,
    certain: false,
    explanation,
  }
}

/** The branches of a clause, or the reason why it can't be read. */
function branchesOf({ facts, resolver, brancher, scope }: Parsing, clause: Clause): readonly Branch[] | string {
  const parsed = facts.sql.expression(clause.text)
  if (!parsed.ok) return `the parser refuses policy ${clause.policy.name}: ${parsed.reason}`
  try {
    return brancher.of(resolver.resolve(parsed.value, scope))
  } catch (error) {
    if (error instanceof BeyondProver) return error.message
    throw error
  }
}
