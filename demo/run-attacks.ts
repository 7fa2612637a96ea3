import type { Attack, Outcome } from './attack.ts'
import { attackGroups } from './attacks/list.ts'
import type { Stage } from './stage.ts'

export interface AttackResult {
  readonly group: string
  readonly attack: Attack
  readonly outcome: Outcome
}

/** Runs every attack, one after the other; an attack that throws counts as not held. */
export async function runAttacks(
  stage: Stage,
  on: { readonly group: (title: string) => void; readonly result: (result: AttackResult) => void },
): Promise<readonly AttackResult[]> {
  const results: AttackResult[] = []
  for (const { title, attacks } of attackGroups) {
    on.group(title)
    for (const attack of attacks) {
      const result = { group: title, attack, outcome: await attempt(attack, stage) }
      results.push(result)
      on.result(result)
    }
  }
  return results
}

async function attempt(attack: Attack, stage: Stage): Promise<Outcome> {
  try {
    return await attack.run(stage)
  } catch (error) {
    return { held: false, seen: `could not be tried: ${error instanceof Error ? error.message : String(error)}` }
  }
}
