import type { ChecklistLineId } from '../src/report/lines.ts'
import type { LayerName } from './layers.ts'
import type { Stage } from './stage.ts'

/** Result of one attack. */
export interface Outcome {
  readonly held: boolean
  /** What was observed, in a few words. */
  readonly seen: string
}

/** One attack of tenant A on tenant B, or one probe of a layer. */
export interface Attack {
  readonly id: string
  readonly title: string
  /** The only layer that can stop this attack. It is named if the attack succeeds. */
  readonly layer?: LayerName
  /** The lines of the checklist for which the attack is evidence. */
  readonly lines: readonly ChecklistLineId[]
  run(stage: Stage): Promise<Outcome>
}

export interface AttackGroup {
  readonly title: string
  readonly attacks: readonly Attack[]
}

/** The outcome of a comparison, with the text for success and failure. */
export function outcome(held: boolean, seen: string): Outcome {
  return { held, seen }
}

/** The SQLSTATE of a failed call, its partywall code, or 'no error'. */
export async function failureOf(call: () => Promise<unknown>): Promise<string> {
  try {
    await call()
    return 'no error'
  } catch (error) {
    const code: unknown = error !== null && typeof error === 'object' ? Reflect.get(error, 'code') : undefined
    return typeof code === 'string' ? code : String(error)
  }
}
