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

interface OldPackage {
  readonly name: string
  readonly version: string
  readonly wanted: string
}

/**
 * Packages of NestJS that belong to one release: with different major versions, the server does not start. Other packages of the scope, such as `@nestjs/jwt` and `@nestjs/config`, have versions of their own.
 */
const NEST_RELEASE: readonly string[] = [
  'common',
  'core',
  'platform-express',
  'platform-fastify',
  'platform-socket.io',
  'platform-ws',
  'websockets',
  'microservices',
  'testing',
].map((name) => `@nestjs/${name}`)

/** Packages that are too old for partywall. Package managers only warn of them, and the application then fails when it starts. */
export function oldPackages(files: ProjectFiles, project: Project): readonly ByHand[] {
  const old = LEAST_VERSIONS.flatMap(([name, least]): readonly OldPackage[] => {
    const version = installedVersion(files, name)
    if (version === undefined || !isOlder(version, least)) return []
    return [{ name, version: version.join('.'), wanted: `${least[0]}.${least[1]}` }]
  })
  const nest = old.find(({ name }) => NEST_RELEASE.includes(name))
  return [
    ...old
      .filter((each) => !NEST_RELEASE.includes(each.name))
      .map(({ name, version, wanted }) => ({
        path: 'package.json',
        why: `${name} ${version} is installed, and partywall needs ${wanted} or later`,
        lines: [addPackage(project.packageManager, `${name}@^${wanted}`)],
      })),
    ...(nest === undefined ? [] : [nestRelease(nest, files, project)]),
  ]
}

/** One command for all packages of the release: npm refuses to raise one of them alone. */
function nestRelease(
  { name, version, wanted }: OldPackage,
  files: ProjectFiles,
  { manifest, packageManager }: Project,
): ByHand {
  const named = NEST_RELEASE.filter((each) => manifest.has(each) && installedVersion(files, each) !== undefined)
  const packages = named.includes(name) ? named : [name, ...named]
  return {
    path: 'package.json',
    why: `${name} ${version} is installed, and partywall needs ${wanted} or later. The packages of NestJS itself must have one version, so raise them together. Other packages of @nestjs/ may need a newer version too: see the migration guide of NestJS`,
    lines: [addPackage(packageManager, packages.map((each) => `${each}@^${wanted}`).join(' '))],
  }
}
