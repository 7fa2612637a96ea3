import type { ProtectPlan } from '../change.ts'
import { renderDrizzle } from './drizzle.ts'
import { renderFlyway } from './flyway.ts'
import type { MigrationFormat } from './format-names.ts'
import { renderKnex } from './knex.ts'
import { renderPrisma } from './prisma.ts'
import type { MigrationFile } from './script.ts'
import { renderSql } from './sql.ts'
import { stampAfter } from './stamp.ts'

/** The parts of the target folder on which the names and numbers of new files depend. */
export interface TargetFolder {
  readonly names: readonly string[]
  /** `meta/_journal.json` of drizzle. */
  readonly journal: string | undefined
}

/** The files of a plan, for one migration tool. */
export function renderMigration(
  plan: ProtectPlan,
  format: MigrationFormat,
  folder: TargetFolder,
  now: Date,
): readonly MigrationFile[] {
  switch (format) {
    case 'sql':
      return renderSql(plan, folder.names)
    case 'prisma':
      return renderPrisma(plan, stampAfter(now, 0))
    case 'drizzle':
      return renderDrizzle(plan, folder.names, folder.journal, now)
    case 'knex':
      return renderKnex(plan, now)
    case 'flyway':
      return renderFlyway(plan, now)
  }
}
