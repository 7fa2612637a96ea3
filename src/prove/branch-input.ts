import type { Relation } from '../catalog/model.ts'
import type { Verb } from '../catalog/verbs.ts'
import type { ActingRole, Facts, Proof, TenantTable } from '../tenancy/facts.ts'
import type { Branch } from './branch.ts'
import type { Instance, Instances } from './scope.ts'

/**
 * Asks for the proof of another table. Undefined if the prover is already working on this proof (see "Cycles" in src/prove/README.md).
 *
 * @param unbound true asks, for a table without a tenant, whether a membership of the session's tenant names each row. Without it, such a
 * table is unproved
 */
export type AskProof = (relation: Relation, verb: Verb, role: ActingRole, unbound?: true) => Proof | undefined

/** One branch of a policy's clause, with all that is needed to prove it. */
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
