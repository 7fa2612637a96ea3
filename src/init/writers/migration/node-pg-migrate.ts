import type { ProtectPlan } from '../../../protect/change.ts'
import {
  decisionsOf,
  headOf,
  headWithDecisions,
  type MigrationFile,
  type Section,
  sqlOf,
  togetherOf,
} from '../../../protect/render/script.ts'

const LOCK = "SET LOCAL lock_timeout = '5s';"

/** `1741700000000_partywall.sql` with both directions. node-pg-migrate runs SQL files beside files in JavaScript and TypeScript. */
export function nodePgMigrateFiles(
  plan: ProtectPlan,
  existing: readonly string[],
  now: Date,
): readonly MigrationFile[] {
  const { up, down } = togetherOf(plan)
  const separator = existing.some((name) => /^\d+-/.test(name)) ? '-' : '_'
  const part = (head: string, sections: readonly Section[], decisions: string) =>
    [head, LOCK, sqlOf(sections), decisions].filter((text) => text !== '').join('\n\n')
  const content = `-- Up Migration

${part(headWithDecisions('all', plan.decisions), up, decisionsOf(plan.decisions))}

-- Down Migration

${part(headOf('all', 'down'), down, '')}
`
  return [{ path: `${now.getTime()}${separator}partywall.sql`, content }]
}
