import type { ChecklistLineId } from './lines.ts'

/**
 * The result of one probe for one line of the checklist.
 *
 * - `proved`: tried, and it held;
 * - `open`: not tried here, or tried without a result that proves anything;
 * - `failed`: tried, and it did not hold.
 */
export type Verdict = 'proved' | 'open' | 'failed'

/** One piece of evidence for one line of the checklist. Several pieces may speak of one line; the worst decides. */
export interface Evidence {
  readonly line: ChecklistLineId
  readonly verdict: Verdict
  /** The command or probe that found it, as a reader can run it: `partywall verify --migrations migrations/`. */
  readonly by: string
  /** How many checks or scenarios stand behind it, counted by no other piece. Nothing is proved by 0. */
  readonly count: number
  /** One sentence: what was tried and what happened. Never a secret or a value of a row. */
  readonly detail: string
}
