import type { ProtectPlan } from '../../../protect/change.ts'
import { renderMigration } from '../../../protect/render/render.ts'
import type { MigrationFile } from '../../../protect/render/script.ts'
import type { Migrations } from '../../detection/migrations.ts'
import type { CodeStyle } from '../../detection/stack.ts'
import type { ProjectFiles } from '../../project-files.ts'
import { nodePgMigrateFiles } from './node-pg-migrate.ts'
import { sequelizeFiles } from './sequelize.ts'
import { sqlFiles } from './sql.ts'
import { typeormFiles } from './typeorm.ts'

/**
 * The migration in the convention of the project's own tool. Paths are relative to the folder of the migrations.
 *
 * Tools that run a file in one transaction get one file: indexes are then not built concurrently, and the backfill is one batch.
 */
export function migrationFiles(
  files: ProjectFiles,
  { tool, folder, language }: Migrations,
  style: CodeStyle,
  plan: ProtectPlan,
  now: Date,
): readonly MigrationFile[] {
  const names = files.list(folder)
  switch (tool) {
    case 'prisma':
    case 'drizzle':
    case 'knex':
    case 'flyway':
      return renderMigration(plan, tool, { names, journal: files.read(`${folder}/meta/_journal.json`) }, now)
    case 'typeorm':
      return typeormFiles(plan, language === 'js' ? { ...style, language: 'js' } : style, now)
    case 'sequelize':
      return sequelizeFiles(files, folder, plan, now)
    case 'node-pg-migrate':
      return nodePgMigrateFiles(plan, names, now)
    case 'sql':
      return sqlFiles(plan, names)
  }
}
