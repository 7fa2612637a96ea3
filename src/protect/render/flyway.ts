import type { ProtectPlan } from '../change.ts'
import {
  decisionsOf,
  headOf,
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
    const decisions = script.phase === 'protect' ? decisionsOf(plan.decisions) : ''
    const files = [
      { path: `V${name}`, content: file([headOf(script.phase, 'up'), decisions], script.up) },
      { path: `U${name}`, content: file([headOf(script.phase, 'down')], script.down) },
    ]
    if (!script.apart) return files
    return [...files, ...files.map(({ path }) => ({ path: `${path}.conf`, content: APART_CONFIG }))]
  })
}

function file(head: readonly string[], sections: readonly Section[]): string {
  const intro = head.filter((text) => text !== '')
  return `${[...intro, LOCK_TIMEOUT, sqlOf(sections), RESET_LOCK_TIMEOUT].join('\n\n')}\n`
}
