import { installedVersion, isOlder } from '../detection/installed-version.ts'
import { addPackage } from '../detection/package-manager.ts'
import type { Project } from '../detection/project.ts'
import type { ProjectFiles } from '../project-files.ts'
import type { ByHand } from './init-plan.ts'

/** The peer dependencies of package.json. A test compares them. */
export const LEAST_VERSIONS: readonly (readonly [string, readonly [number, number]])[] = [
  ['pg', [8, 21]],
  ['@nestjs/core', [11, 0]],
  ['@nestjs/common', [11, 0]],
  ['express', [4, 18]],
  ['fastify', [5, 0]],
  ['hono', [4, 0]],
  ['koa', [3, 0]],
]

/** Packages that are too old for partywall. Package managers only warn of them, and the application then fails when it starts. */
export function oldPackages(files: ProjectFiles, { packageManager }: Project): readonly ByHand[] {
  return LEAST_VERSIONS.flatMap(([name, least]) => {
    const version = installedVersion(files, name)
    if (version === undefined || !isOlder(version, least)) return []
    const wanted = `${least[0]}.${least[1]}`
    return [
      {
        path: 'package.json',
        why: `${name} ${version.join('.')} is installed, and partywall needs ${wanted} or later`,
        lines: [addPackage(packageManager, `${name}@^${wanted}`)],
      },
    ]
  })
}
