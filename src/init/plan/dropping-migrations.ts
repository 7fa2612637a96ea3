import type { Migrations } from '../detection/migrations.ts'
import type { ProjectFiles } from '../project-files.ts'

/** Statements that delete rows when a file runs a second time. */
const DELETES = /\b(?:drop\s+(?:table|schema|database|owned)|truncate)\b/i
/** The line behind which some tools write the down migration into the same file. */
const DOWN_PART = /^[ \t]{0,20}--[ \t]{0,20}(?:migrate:|\+(?:goose|migrate|micrate) )?down\b/im

/**
 * Names of SQL migrations that delete rows of the development database if the runner runs them a second time, as a runner does that keeps no
 * record. Empty for tools that keep a record.
 */
export function droppingMigrations(files: ProjectFiles, { tool, folder }: Migrations): readonly string[] {
  if (tool !== 'sql') return []
  return files
    .list(folder)
    .filter((name) => /^\d.*\.sql$/.test(name) && !/\bdown\b/.test(name))
    .filter((name) => DELETES.test(upPart(files.read(`${folder}/${name}`) ?? '')))
}

function upPart(text: string): string {
  const [up = ''] = text.split(DOWN_PART, 1)
  return up.replace(/\/\*[\s\S]*?\*\//g, ' ').replace(/--[^\n]*/g, '')
}
