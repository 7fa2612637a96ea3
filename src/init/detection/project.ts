import { ConfigurationError } from '../../errors.ts'
import type { ProjectFiles } from '../project-files.ts'
import { type FoundUrl, findDatabaseUrl } from './database-url.ts'
import { type Manifest, readManifest } from './manifest.ts'
import { findMigrations, type Migrations } from './migrations.ts'
import { findPackageManager, type PackageManager } from './package-manager.ts'
import {
  type CodeStyle,
  type Framework,
  findCodeStyle,
  findFramework,
  findOrm,
  findTestRunner,
  type Orm,
  type TestRunner,
} from './stack.ts'

/** What was found out about a project from its files. */
export interface Project {
  readonly manifest: Manifest
  readonly packageManager: PackageManager
  readonly framework: Framework | undefined
  readonly orm: Orm
  readonly testRunner: TestRunner
  readonly style: CodeStyle
  readonly migrations: Migrations
  readonly database: FoundUrl | undefined
}

/**
 * Looks at a project. It reads files only.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if this is no application that uses PostgreSQL; the message says where else to look
 */
export function detectProject(files: ProjectFiles, environment: Readonly<Record<string, string | undefined>>): Project {
  const manifest = readManifest(files)
  const orm = findOrm(manifest)
  if (orm === undefined) throw noDatabase(files, manifest)
  const packageManager = findPackageManager(files, manifest, environment)
  return {
    manifest,
    packageManager,
    orm,
    framework: findFramework(manifest),
    testRunner: findTestRunner(manifest),
    style: findCodeStyle(files, manifest),
    migrations: findMigrations(files, manifest, packageManager),
    database: findDatabaseUrl(files, environment),
  }
}

function noDatabase(files: ProjectFiles, manifest: Manifest): ConfigurationError {
  const libraries = 'pg, Prisma, Drizzle, TypeORM, Knex, Kysely, Sequelize and MikroORM'
  if (!manifest.isWorkspaceRoot)
    return new ConfigurationError(
      `package.json has no library for PostgreSQL that partywall knows (${libraries}). Install the one that you use, then run partywall init again.`,
    )
  const members = files
    .find(/(^|\/)package\.json$/)
    .filter((path) =>
      /"(?:pg|@prisma\/client|drizzle-orm|typeorm|knex|kysely|sequelize|@mikro-orm\/core)"\s*:/.test(
        files.read(path) ?? '',
      ),
    )
    .map((path) => path.replace(/\/?package\.json$/, ''))
  const where = members.length === 0 ? 'No package of it uses PostgreSQL.' : `Run it in ${members.join(' or ')}.`
  return new ConfigurationError(`This is the root of a workspace, and not the application. ${where}`, {
    details: { members },
  })
}
