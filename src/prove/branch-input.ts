import type { Relation } from '../catalog/model.ts'
import type { Verb } from '../catalog/verbs.ts'
import type { ActingRole, Facts, Proof, TenantTable } from '../tenancy/facts.ts'
import type { Branch } from './branch.ts'
import type { Instance, Instances } from './scope.ts'

/** Asks for the proof of another table. The answer is undefined while that same question is being answered. */
export type AskProof = (relation: Relation, verb: Verb, role: ActingRole) => Proof | undefined

/** One branch of a clause, with its table, role and clause. */
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
