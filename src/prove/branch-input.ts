import type { Relation } from '../catalog/model.ts'
import type { Verb } from '../catalog/verbs.ts'
import type { ActingRole, Facts, Proof, TenantTable } from '../tenancy/facts.ts'
import type { Branch } from './branch.ts'
import type { Instance, Instances } from './scope.ts'

/** What the branch proof asks about other tables; undefined while that proof is under way. */
export type AskProof = (relation: Relation, verb: Verb, role: ActingRole) => Proof | undefined

/** One branch of a clause, and where it stands. */
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
