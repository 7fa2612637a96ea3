import type { Expr } from '../sql/tree.ts'
import type { Instance } from './scope.ts'

/** One way for a predicate to be true: all atoms hold, for some rows of the instances. */
export interface Branch {
  readonly atoms: readonly Expr[]
  readonly instances: readonly Instance[]
}

/** One way for a query to have a row: its conditions, and what its targets are then. */
export interface QueryRow {
  readonly conditions: readonly Expr[]
  readonly instances: readonly Instance[]
  readonly targets: readonly { readonly name: string | undefined; readonly expr: Expr }[]
}

/** More branches than this are beyond the prover. */
const MAX_BRANCHES = 96

export class TooManyBranches extends Error {}

export const NONE: readonly Branch[] = []
export const ALWAYS: readonly Branch[] = [{ atoms: [], instances: [] }]

export function atom(expr: Expr): readonly Branch[] {
  return [{ atoms: [expr], instances: [] }]
}

export function limited(branches: readonly Branch[]): readonly Branch[] {
  if (branches.length > MAX_BRANCHES) throw new TooManyBranches('the predicate has too many branches')
  return branches
}
