// Fetches Debian or Ubuntu packages without root. apt-get downloads missing packages into its own folders, and
// dpkg-deb unpacks them into a cache folder. Nothing is installed, and no system file is changed.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Where fetched servers stay between runs: `PARTYWALL_TEST_CACHE`, else `$XDG_CACHE_HOME/partywall`, else `~/.cache/partywall`. */
function testCacheFolder(): string {
  return (
    process.env['PARTYWALL_TEST_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'partywall')
  )
}

/** An unpacked package with the libraries that the system lacked. */
interface UnpackedPackages {
  /** The root of the unpacked tree: programs are in `usr/bin` and `usr/sbin` below it. */
  readonly root: string
  /** The environment for its programs, so that they find the libraries in this tree. */
  readonly env: Readonly<Record<string, string>>
}

/**
 * Downloads packages and their dependencies into the cache folder. Later calls and other processes find them there.
 *
 * @param packages names as apt knows them: `redis-server`
 * @throws where apt-get or dpkg-deb are missing, or the package can't be fetched
 */
export async function fetchDebPackages(packages: readonly string[]): Promise<UnpackedPackages> {
  const home = join(testCacheFolder(), 'deb', packages.join('+'))
  const root = join(home, 'root')
  await mkdir(home, { recursive: true })
  if (!existsSync(root)) await underLock(join(home, 'lock'), () => fetchInto(home, root, packages))
  return { root, env: { LD_LIBRARY_PATH: await libraryPath(root) } }
}

async function fetchInto(home: string, root: string, packages: readonly string[]): Promise<void> {
  if (existsSync(root)) return
  const folders = ['state/lists/partial', 'cache/archives/partial', 'unpacking'].map((name) => join(home, name))
  await rm(join(home, 'unpacking'), { recursive: true, force: true })
  await Promise.all(folders.map((folder) => mkdir(folder, { recursive: true })))
  const options = [
    `Dir::State=${join(home, 'state')}`,
    `Dir::State::lists=${join(home, 'state/lists')}`,
    'Dir::State::status=/var/lib/dpkg/status',
    `Dir::Cache=${join(home, 'cache')}`,
    'Debug::NoLocking=1',
    // As root, apt would drop to the user _apt, who can't write into these folders.
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option])
  await run('apt-get', [...options, '-qq', 'update'], { timeout: 120_000 })
  const install = ['-qq', '-y', '--no-install-recommends', '--download-only', 'install', ...packages]
  await run('apt-get', [...options, ...install], { timeout: 120_000 })
  const archives = join(home, 'cache/archives')
  const unpacking = join(home, 'unpacking')
  for (const file of (await readdir(archives)).filter((name) => name.endsWith('.deb'))) {
    await run('dpkg-deb', ['-x', join(archives, file), unpacking])
  }
  // Rename last, so that an existing tree is always complete.
  await rename(unpacking, root)
  await Promise.all(['state', 'cache'].map((name) => rm(join(home, name), { recursive: true, force: true })))
}

/** All folders of the tree with shared libraries. */
async function libraryPath(root: string): Promise<string> {
  const found: string[] = []
  for (const base of ['lib', 'usr/lib'].map((name) => join(root, name))) {
    if (!existsSync(base)) continue
    found.push(base)
    for (const entry of await readdir(base, { withFileTypes: true })) {
      if (entry.isDirectory()) found.push(join(base, entry.name))
    }
  }
  return found.join(':')
}

/** One process fetches, the others wait; a lock older than five minutes is ignored. */
async function underLock(path: string, work: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + 300_000
  for (;;) {
    try {
      await writeFile(path, String(process.pid), { flag: 'wx' })
      break
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
      const age = await stat(path).then(
        (stats) => Date.now() - stats.mtimeMs,
        () => 0,
      )
      if (age > 300_000) await rm(path, { force: true })
      if (Date.now() > deadline)
        throw new Error(`Another process has held ${path} for too long. Remove it and try again.`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  try {
    await work()
  } finally {
    await rm(path, { force: true })
  }
}
