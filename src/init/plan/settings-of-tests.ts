import type { ProjectFiles } from '../project-files.ts'
import { APP_URL, ENTRY_URL, SEAL_SECRET } from '../writers/names.ts'
import type { ByHand } from './init-plan.ts'

/**
 * Tests that load the application's code load the wall too, and it throws without its settings. A CI job that runs such tests may have had
 * no settings until now.
 */
export function settingsOfTests(files: ProjectFiles, wallPath: string): readonly ByHand[] {
  const tests = files.find(/\.(?:test|spec)\.[cm]?[jt]sx?$/)
  if (tests.length === 0) return []
  return [
    {
      path: 'your tests',
      why: `those that load ${wallPath} need ${APP_URL}, ${ENTRY_URL} and ${SEAL_SECRET}, also in CI jobs that need no database: there any URL and any secret of 32 bytes will do`,
      lines: [],
    },
  ]
}
