import { TEST_FILE } from '../code/test-files.ts'
import type { Migrations } from '../detection/migrations.ts'
import type { ProjectFiles } from '../project-files.ts'
import { droppingMigrations } from './dropping-migrations.ts'
import type { ByHand } from './init-plan.ts'

const RUNNER = /\.[cm]?[jt]s$|\.sh$|(?:^|\/)(?:package\.json|Makefile)$/

/**
 * Files that name the migrations they run. A new migration that nobody adds there never runs.
 *
 * @param added the names of the new migrations, without their folder
 */
export function fixedLists(files: ProjectFiles, migrations: Migrations, added: readonly string[]): readonly ByHand[] {
  const { tool, folder } = migrations
  // The other tools read the folder.
  if (tool !== 'sql' || added.length === 0) return []
  const names = files.list(folder).filter((name) => /^\d.*\.sql$/.test(name))
  const dropping = droppingMigrations(files, migrations)
  const drops =
    dropping.length === 0
      ? ''
      : `. If it keeps no record of what it ran, it runs the earlier files again: those with DROP TABLE or TRUNCATE (${dropping.join(', ')}) delete your rows. Then run the new file alone, with psql`
  return files
    .find(RUNNER)
    .filter((path) => !TEST_FILE.test(path))
    .filter((path) => names.some((name) => isNamed(files.read(path) ?? '', name)))
    .map((path) => ({
      path,
      why: `it names each migration that it runs, so it never runs the new one: add ${added.join(' and ')} to its list, at the end${drops}`,
      lines: [],
    }))
}

/** Whether the text names the file outside of a comment. */
function isNamed(text: string, name: string): boolean {
  return text.split('\n').some((line) => line.includes(name) && !/^\s*(?:\/\/|\/?\*|#|--)/.test(line))
}
