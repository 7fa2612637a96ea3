import { ConfigurationError } from '../../errors.ts'
import type { ProjectFiles } from '../project-files.ts'
import type { PlannedFile } from './init-plan.ts'

/** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` that names the files that are in the way */
export function refuseExisting(files: ProjectFiles, planned: readonly PlannedFile[]): void {
  const there = planned.filter(({ kind, path }) => kind === 'create' && files.read(path) !== undefined)
  if (there.length === 0) return
  const names = there.map(({ path }) => path).join(', ')
  throw new ConfigurationError(
    `${names} ${there.length === 1 ? 'exists' : 'exist'} already. partywall init overwrites no file: move or remove ${there.length === 1 ? 'it' : 'them'} first. Nothing was changed.`,
    { details: { paths: there.map(({ path }) => path) } },
  )
}
