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

/** The package manager, by the field `packageManager`, else by the lock file here or in the two folders above; default npm. */
export function findPackageManager(files: ProjectFiles, manifest: Manifest): PackageManager {
  const named = /^(npm|pnpm|yarn|bun)@/.exec(manifest.packageManager ?? '')?.[1]
  if (named === 'npm' || named === 'pnpm' || named === 'yarn' || named === 'bun') return named
  for (const folder of ['', '../', '../../'])
    for (const [lock, manager] of LOCKS) if (files.read(`${folder}${lock}`) !== undefined) return manager
  return 'npm'
}

/** The command that runs a script of package.json. */
export function runScript(manager: PackageManager, script: string): string {
  return manager === 'yarn' ? `yarn ${script}` : `${manager} run ${script}`
}

/** The command that runs a program of an installed package. */
export function runProgram(manager: PackageManager, command: string): string {
  const runners = { npm: 'npx', pnpm: 'pnpm exec', yarn: 'yarn', bun: 'bunx' }
  return `${runners[manager]} ${command}`
}
