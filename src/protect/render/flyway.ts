import type { ProtectPlan } from '../change.ts'
import {
  decisionsOf,
  headOf,
  headWithDecisions,
  LOCK_TIMEOUT,
  type MigrationFile,
  RESET_LOCK_TIMEOUT,
  type Section,
  scriptsOf,
  sqlOf,
} from './script.ts'
import { stampAfter } from './stamp.ts'

const APART_CONFIG = 'executeInTransaction=false\n'

/** `V…__partywall[_phase].sql` and `U…`. Scripts that can't run in a transaction get a script configuration file. */
export function renderFlyway(plan: ProtectPlan, now: Date): readonly MigrationFile[] {
  return scriptsOf(plan).flatMap((script, at): readonly MigrationFile[] => {
    const name = `${stampAfter(now, at)}__partywall${script.slug === '' ? '' : `_${script.slug}`}.sql`
    const { decisions } = script
    const files = [
      {
        path: `V${name}`,
        content: file(headWithDecisions(script.phase, decisions), script.up, decisionsOf(decisions)),
      },
      { path: `U${name}`, content: file(headOf(script.phase, 'down'), script.down, '') },
    ]
    if (!script.apart) return files
    return [...files, ...files.map(({ path }) => ({ path: `${path}.conf`, content: APART_CONFIG }))]
  })
}

function file(head: string, sections: readonly Section[], decisions: string): string {
  const parts = [head, LOCK_TIMEOUT, sqlOf(sections), decisions, RESET_LOCK_TIMEOUT]
  return `${parts.filter((text) => text !== '').join('\n\n')}\n`
}
