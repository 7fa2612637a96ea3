import type { Expr } from '../sql/tree.ts'
import { BeyondProver } from './beyond.ts'
import type { Instance } from './scope.ts'

/** One way for a predicate to be true: all atoms (conditions) are true, for some rows of the instances (see docs/glossary.md). */
export interface Branch {
  readonly atoms: readonly Expr[]
  readonly instances: readonly Instance[]
}

/** One way for a query to have a row: the conditions that must hold, and the values of the SELECT list in that case. */
export interface QueryRow {
  readonly conditions: readonly Expr[]
  readonly instances: readonly Instance[]
  readonly targets: readonly { readonly name: string | undefined; readonly expr: Expr }[]
}

/** Maximum number of branches of one predicate. A predicate with more branches is treated as unreadable. */
const MAX_BRANCHES = 96

/** Never true. */
export const NONE: readonly Branch[] = []
/** Always true. */
export const ALWAYS: readonly Branch[] = [{ atoms: [], instances: [] }]

/** One branch with the expression itself as its only condition. */
export function atom(expr: Expr): readonly Branch[] {
  return [{ atoms: [expr], instances: [] }]
}

/** Returns the branches. @throws {BeyondProver} if there are too many */
export function limited(branches: readonly Branch[]): readonly Branch[] {
  if (branches.length > MAX_BRANCHES) throw new BeyondProver('the predicate has too many branches')
  return branches
}
