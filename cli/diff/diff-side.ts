import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ConfigurationError } from '../../src/errors.ts'

/** The folder or file with one side of the comparison. */
interface DiffSidePath {
  readonly path: string
  close(): Promise<void>
}

const MAX_FILE_BYTES = 256 * 1024 * 1024

/**
 * Opens the files of one side of the comparison. A path is used directly. The migrations of a git ref are written into a temporary folder.
 *
 * @param ref undefined: the migrations as they are now
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if there is neither such a path nor such a ref
 */
export async function openSide(ref: string | undefined, migrations: string | undefined): Promise<DiffSidePath> {
  const asIs = ref ?? migrations
  if (asIs === undefined) throw new ConfigurationError('Give --migrations PATH, or a second path.')
  if (ref === undefined || (migrations === undefined && existsSync(ref))) return { path: asIs, close: async () => {} }
  if (migrations === undefined)
    throw new ConfigurationError(
      `There is no path ${ref}. If it is a git ref, say where the migrations are: --migrations PATH.`,
    )
  const commit = await git('rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`).catch(() => '')
  if (commit === '') {
    if (existsSync(ref)) return { path: ref, close: async () => {} }
    throw new ConfigurationError(
      `There is neither a git ref nor a path ${ref}. In CI, fetch the base: git fetch origin main.`,
    )
  }
  return checkOut(commit.trim(), ref, migrations)
}

async function checkOut(commit: string, ref: string, migrations: string): Promise<DiffSidePath> {
  const listed = await git('ls-tree', '-r', '--name-only', '-z', commit, '--', migrations)
  const files = listed.split('\0').filter((file) => file !== '')
  if (files.length === 0) throw new ConfigurationError(`${ref} has no files in ${migrations}.`)
  const folder = await mkdtemp(join(tmpdir(), 'partywall-diff-'))
  const close = () => rm(folder, { recursive: true, force: true })
  try {
    for (const file of files) {
      const target = join(folder, file)
      await mkdir(dirname(target), { recursive: true })
      // `./`: names of ls-tree are relative to the folder in which git runs.
      await writeFile(target, await git('show', `${commit}:./${file}`))
    }
  } catch (error) {
    await close()
    throw error
  }
  return { path: join(folder, migrations), close }
}

async function git(...words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', words, { maxBuffer: MAX_FILE_BYTES })
  return stdout
}
