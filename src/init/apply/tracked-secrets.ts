import { spawnSync } from 'node:child_process'
import { ConfigurationError } from '../../errors.ts'

/**
 * Refuses a project whose `.env` is under version control, because init writes passwords there. An entry in .gitignore has no effect on a file
 * that git tracks already. Without git there is nothing to check.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with the command that removes `.env` from git
 */
export function refuseTrackedSecrets(root: string): void {
  const listed = spawnSync('git', ['ls-files', '--', '.env'], { cwd: root, encoding: 'utf8' })
  if (listed.status !== 0 || listed.stdout.trim() === '') return
  throw new ConfigurationError(
    '.env is tracked by git, and partywall init writes passwords into it. Run git rm --cached .env, commit that, and try again. Nothing was changed.',
  )
}
