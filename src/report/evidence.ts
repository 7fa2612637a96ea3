import type { ChecklistLineId } from './lines.ts'

/**
 * The result of one probe for one line of the checklist.
 *
 * - `proved`: the property was tried, and it held;
 * - `open`: the property was not tried here, or the trial proves nothing;
 * - `failed`: the property was tried, and it did not hold.
 */
export type Verdict = 'proved' | 'open' | 'failed'

/** One piece of evidence for one line of the checklist. A line may have several pieces of evidence. The worst of them decides. */
export interface Evidence {
  readonly line: ChecklistLineId
  readonly verdict: Verdict
  /** The command or probe that produced the evidence, so that a reader can run it: `partywall verify --migrations migrations/`. */
  readonly by: string
  /** Number of checks or scenarios of this piece. No other piece may count the same checks again. 0 proves nothing. */
  readonly count: number
  /** One sentence: what was tried and what happened. Never a secret or a value of a row. */
  readonly detail: string
}
