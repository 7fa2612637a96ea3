import type { ProtectPlan } from '../change.ts'
import {
  decisionsOf,
  headOf,
  headWithDecisions,
  LOCK_TIMEOUT,
  type MigrationFile,
  RESET_LOCK_TIMEOUT,
  sqlOf,
  togetherOf,
} from './script.ts'

const APART_NOTE =
  '-- Prisma runs this file in one transaction, so indexes are not built concurrently and the backfill is one batch.\n-- On large tables take --format sql instead, run it with psql, then: prisma migrate resolve --applied NAME'

/** `TIMESTAMP_partywall/migration.sql`, and `down.sql` beside it for `prisma db execute`. */
export function renderPrisma(plan: ProtectPlan, stamp: string): readonly MigrationFile[] {
  const { up, down } = togetherOf(plan)
  return [
    {
      path: `${stamp}_partywall/migration.sql`,
      content: file([headWithDecisions('all', plan.decisions), APART_NOTE], [sqlOf(up), decisionsOf(plan.decisions)]),
    },
    { path: `${stamp}_partywall/down.sql`, content: file([headOf('all', 'down')], [sqlOf(down)]) },
  ]
}

function file(head: readonly string[], body: readonly string[]): string {
  return `${[...head, LOCK_TIMEOUT, ...body.filter((text) => text !== ''), RESET_LOCK_TIMEOUT].join('\n\n')}\n`
}
