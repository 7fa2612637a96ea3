import type { ProjectFiles } from '../project-files.ts'
import type { Manifest } from './manifest.ts'

export type PackageManager = 'npm' | 'pnpm' | 'yarn' | 'bun'

const LOCKS: readonly (readonly [string, PackageManager])[] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['package-lock.json', 'npm'],
]

/**
 * Finds the package manager by the field `packageManager`, else by the lock file here or in the two folders above; default npm. If a folder
 * has several lock files, the package manager that runs this command has priority.
 */
export function findPackageManager(
  files: ProjectFiles,
  manifest: Manifest,
  environment: Readonly<Record<string, string | undefined>>,
): PackageManager {
  const running = managerOf(environment['npm_config_user_agent']?.split('/', 1)[0])
  return named(manifest) ?? findLock(files, running)?.manager ?? 'npm'
}

function named(manifest: Manifest): PackageManager | undefined {
  return managerOf(/^(\w{1,10})@/.exec(manifest.packageManager ?? '')?.[1])
}

function managerOf(name: string | undefined): PackageManager | undefined {
  if (name === 'npm' || name === 'pnpm' || name === 'yarn' || name === 'bun') return name
  return undefined
}

/** The lock file here or in the two folders above; `up` is the path to its folder, such as `../`. */
function findLock(
  files: ProjectFiles,
  preferred: PackageManager | undefined,
): { readonly manager: PackageManager; readonly up: string; readonly name: string } | undefined {
  for (const up of ['', '../', '../../']) {
    const there = LOCKS.filter(([lock]) => files.read(`${up}${lock}`) !== undefined)
    const [name, manager] = there.find(([, each]) => each === preferred) ?? there[0] ?? []
    if (name !== undefined && manager !== undefined) return { manager, up, name }
  }
  return undefined
}

/** The command that installs the dependencies in CI, and the path to the folder in which it must run, such as `../`. */
export function installStep(
  files: ProjectFiles,
  { manifest, packageManager }: { readonly manifest: Manifest; readonly packageManager: PackageManager },
): { readonly command: string; readonly up: string } {
  const lock = findLock(files, packageManager)
  const up = lock?.up ?? ''
  // A lock file that git ignores is not there in CI.
  if (lock?.manager !== packageManager || isIgnored(files, lock.name))
    return { command: `${enable(packageManager)}${packageManager} install`, up }
  const isBerry = /^yarn@[^01]/.test(manifest.packageManager ?? '') || files.read(`${up}.yarnrc.yml`) !== undefined
  const commands = {
    npm: 'npm ci',
    pnpm: 'pnpm install --frozen-lockfile',
    yarn: `yarn install ${isBerry ? '--immutable' : '--frozen-lockfile'}`,
    bun: 'bun install --frozen-lockfile',
  }
  return { command: `${enable(packageManager)}${commands[packageManager]}`, up }
}

/** Whether a .gitignore here or in the two folders above names the file. */
function isIgnored(files: ProjectFiles, name: string): boolean {
  return ['', '../', '../../'].some((up) =>
    (files.read(`${up}.gitignore`) ?? '').split('\n').some((line) => line.trim().replace(/^(?:\*\*)?\//, '') === name),
  )
}

function enable(manager: PackageManager): string {
  return manager === 'pnpm' || manager === 'yarn' ? 'corepack enable && ' : ''
}

/** The command that runs a script of package.json. */
export function runScript(manager: PackageManager, script: string): string {
  return manager === 'yarn' ? `yarn ${script}` : `${manager} run ${script}`
}

/** The command that adds a package, such as `pg@^8.21`. */
export function addPackage(manager: PackageManager, name: string): string {
  return `${manager} ${manager === 'npm' ? 'install' : 'add'} ${name}`
}

/** The command that runs a program of an installed package. */
export function runProgram(manager: PackageManager, command: string): string {
  const runners = { npm: 'npx', pnpm: 'pnpm exec', yarn: 'yarn', bun: 'bunx' }
  return `${runners[manager]} ${command}`
}
