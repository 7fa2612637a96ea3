import { showExpression } from '../sql/show.ts'
import type { Weakness } from '../tenancy/facts.ts'
import { AtomReader, type Shape } from './atom-reader.ts'
import type { BranchInput } from './branch-input.ts'
import { lossy, roleIdentity, settingMismatch, userNotTenant, wrongColumn } from './comparison-shapes.ts'
import type { Equalities } from './equalities.ts'
import { alwaysTrue, bypassFlag, capture, failOpen, nullTenant } from './open-shapes.ts'
import { columnOptOut, helper, sharedNumber, unrelatedLookup } from './row-shapes.ts'

/**
 * Maximum number of characters of one condition, and of all conditions together. Reports print them as evidence: a condition that is cut
 * proves nothing to a reader.
 */
const ATOM = 400
const WHOLE = 1_200

/** The reason why an unproved branch admits other tenants' rows, or may do so: the first known shape that fits the branch. */
export function weaknessOf(input: BranchInput, knows: Equalities, policy: string, clause: 'using' | 'check'): Weakness {
  const atoms = input.branch.atoms
  const text = atoms.length === 0 ? 'true' : atoms.map((atom) => showExpression(atom, ATOM)).join(' and ')
  const reader = new AtomReader(input)
  const found = SHAPES.map((shape) => shape(reader, knows)).find((named) => named !== undefined) ?? {
    kind: 'beyond-the-prover',
    certain: false,
    explanation: 'the branch is beyond the prover',
  }
  return {
    policy,
    clause,
    text: text.length > WHOLE ? `${text.slice(0, WHOLE)}… (cut; the policy has the rest)` : text,
    ...found,
  }
}

// If several shapes fit a branch, the first one is reported. The simplest explanation comes first.
const SHAPES: readonly Shape[] = [
  alwaysTrue,
  capture,
  failOpen,
  bypassFlag,
  nullTenant,
  lossy,
  settingMismatch,
  wrongColumn,
  userNotTenant,
  roleIdentity,
  columnOptOut,
  unrelatedLookup,
  sharedNumber,
  helper,
]
