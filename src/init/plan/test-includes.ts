import { codeMatches } from '../code/source-text.ts'
import type { Project } from '../detection/project.ts'
import type { ProjectFiles } from '../project-files.ts'
import type { ByHand } from './init-plan.ts'

const CONFIG = /(?:^|\/)(?:vitest|vite)\.(?:config|workspace)\.[cm]?[jt]s$/
/** Parts with an include that is not about the files of tests. */
const OTHER_INCLUDES = /\b(?:coverage|optimizeDeps|typecheck|optimizer)\s*:\s*\{[^{}]{0,2000}\}/g
const INCLUDE = /\binclude\s*:\s*(?:\[|[\w(])/

/** A configuration of Vitest that names the files of tests may leave out the test that init writes. */
export function testIncludes(
  files: ProjectFiles,
  { testRunner }: Pick<Project, 'testRunner'>,
  tests: readonly string[],
): readonly ByHand[] {
  if (testRunner !== 'vitest' || tests.length === 0) return []
  return files
    .find(CONFIG)
    .filter((path) => codeMatches((files.read(path) ?? '').replaceAll(OTHER_INCLUDES, ''), INCLUDE))
    .map((path) => ({
      path,
      why: `it has an include, and Vitest runs only files that an include matches: see that ${tests.join(' and ')} is run (npx vitest list --filesOnly)`,
      lines: [],
    }))
}
