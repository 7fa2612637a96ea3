import type { ProjectFiles } from '../project-files.ts'
import { installedVersion, isOlder } from './installed-version.ts'
import type { Manifest } from './manifest.ts'
import { type PackageManager, runProgram, runScript } from './package-manager.ts'

/** The tool whose convention new migrations follow. */
export type MigrationTool =
  | 'prisma'
  | 'drizzle'
  | 'typeorm'
  | 'knex'
  | 'sequelize'
  | 'node-pg-migrate'
  | 'flyway'
  | 'sql'

/** Where migrations are, and how they are written and run. */
export interface Migrations {
  readonly tool: MigrationTool
  readonly folder: string
  /** Whether the folder has migrations already. */
  readonly exists: boolean
  readonly language: 'sql' | 'ts' | 'js'
  /** The command that runs them; undefined if none was found. */
  readonly command: string | undefined
}

const TOOL_OF_PACKAGE: readonly (readonly [string, MigrationTool])[] = [
  ['prisma', 'prisma'],
  ['drizzle-kit', 'drizzle'],
  ['node-pg-migrate', 'node-pg-migrate'],
  ['typeorm', 'typeorm'],
  ['knex', 'knex'],
  ['sequelize-cli', 'sequelize'],
]

/** Finds the migrations: by the tool's configuration, else by the files of a folder with a name such as `migrations`. */
export function findMigrations(files: ProjectFiles, manifest: Manifest, manager: PackageManager): Migrations {
  const packaged = TOOL_OF_PACKAGE.filter(([name]) => manifest.has(name)).map(([, tool]) => tool)
  const folders = migrationFolders(files, packaged)
  const found = folders.map((folder) => ({ folder, tool: toolOf(files, folder, packaged) })).find((each) => each.tool)
  const tool = found?.tool ?? packaged[0] ?? 'sql'
  const folder = found?.folder ?? DEFAULT_FOLDERS[tool]
  return {
    tool,
    folder,
    exists: found !== undefined,
    language: languageOf(files, tool, folder),
    command: commandOf(files, tool, manifest, manager),
  }
}

const DEFAULT_FOLDERS: Readonly<Record<MigrationTool, string>> = {
  prisma: 'prisma/migrations',
  drizzle: 'drizzle',
  typeorm: 'src/migrations',
  knex: 'migrations',
  sequelize: 'migrations',
  'node-pg-migrate': 'migrations',
  flyway: 'sql',
  sql: 'migrations',
}

/** Folders that may hold migrations, the most likely first. */
function migrationFolders(files: ProjectFiles, tools: readonly MigrationTool[]): readonly string[] {
  const folders = new Set<string>()
  if (tools.includes('drizzle')) {
    const config = ['ts', 'js', 'mjs', 'mts', 'json']
      .map((end) => files.read(`drizzle.config.${end}`))
      .find((text) => text)
    const out = /\bout"?\s*:\s*['"]([^'"]+)['"]/.exec(config ?? '')?.[1]
    if (out !== undefined) folders.add(clean(out))
  }
  if (tools.includes('prisma')) {
    const config = ['ts', 'js', 'mts', 'mjs'].map((end) => files.read(`prisma.config.${end}`)).find((text) => text)
    const path = /\bmigrations\s*:\s*\{[^}]*\bpath\s*:\s*['"]([^'"]+)['"]/.exec(config ?? '')?.[1]
    if (path !== undefined) folders.add(clean(path))
    folders.add('prisma/migrations')
  }
  for (const path of files.find(/\.(sql|ts|js|cjs|mjs)$/)) {
    const parts = path.split('/')
    const at = parts.findIndex((part) => /^(?:migrations?|drizzle|sql|schema)$/.test(part))
    if (at >= 0 && at < parts.length - 1) folders.add(parts.slice(0, at + 1).join('/'))
  }
  return [...folders]
}

function clean(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}

/** The tool that made the files of a folder. Undefined if they are no migrations. */
function toolOf(files: ProjectFiles, folder: string, packaged: readonly MigrationTool[]): MigrationTool | undefined {
  const names = files.list(folder)
  if (names.some((name) => files.read(`${folder}/${name}/migration.sql`) !== undefined)) return 'prisma'
  if (files.read(`${folder}/meta/_journal.json`) !== undefined) return 'drizzle'
  if (names.some((name) => /^V\d[\d._]{0,40}__/.test(name))) return 'flyway'
  const code = names.filter((name) => /^\d{10,17}[-_].*\.[cm]?[jt]s$/.test(name))
  const text = code.map((name) => files.read(`${folder}/${name}`) ?? '').join('\n')
  if (/MigrationInterface|queryRunner/.test(text)) return 'typeorm'
  if (/\bpgm\b|MigrationBuilder/.test(text)) return 'node-pg-migrate'
  if (/\bknex\b/.test(text)) return 'knex'
  if (/\bqueryInterface\b/.test(text)) return 'sequelize'
  const sql = names.filter((name) => /^\d+[-_.].*\.sql$/.test(name))
  if (sql.length === 0) return undefined
  return packaged.includes('node-pg-migrate') ? 'node-pg-migrate' : 'sql'
}

function languageOf(files: ProjectFiles, tool: MigrationTool, folder: string): Migrations['language'] {
  if (tool !== 'typeorm' && tool !== 'node-pg-migrate') return 'sql'
  const names = files.list(folder)
  if (tool === 'node-pg-migrate')
    return names.some((name) => name.endsWith('.ts') || name.endsWith('.js')) &&
      !names.some((name) => name.endsWith('.sql'))
      ? names.some((name) => name.endsWith('.ts'))
        ? 'ts'
        : 'js'
      : 'sql'
  return names.some((name) => /\.[cm]?js$/.test(name)) && !names.some((name) => /\.[cm]?ts$/.test(name)) ? 'js' : 'ts'
}

function commandOf(
  files: ProjectFiles,
  tool: MigrationTool,
  manifest: Manifest,
  manager: PackageManager,
): string | undefined {
  const preferred = [
    'migrate',
    'db:migrate',
    'migration:run',
    'migrate:up',
    'migrate:deploy',
    'migrations:run',
    'db:migrate:deploy',
  ]
  // Some scripts with such a name only write a migration.
  const runs = (name: string) => !/\bgenerate\b|:make\b|:create\b|--create-only\b/.test(manifest.scripts[name] ?? '')
  const script = preferred.find((name) => Object.hasOwn(manifest.scripts, name) && runs(name))
  if (script !== undefined) return runScript(manager, script)
  if (tool === 'prisma') return runProgram(manager, 'prisma migrate deploy')
  if (tool === 'drizzle') {
    const version = installedVersion(files, 'drizzle-kit')
    // Earlier versions of drizzle-kit only write migrations; the application runs them itself.
    const isOld = version !== undefined && isOlder(version, [0, 21])
    return isOld ? undefined : runProgram(manager, 'drizzle-kit migrate')
  }
  if (tool === 'sequelize' && manifest.has('sequelize-cli')) return runProgram(manager, 'sequelize-cli db:migrate')
  if (tool === 'knex') return runProgram(manager, 'knex migrate:latest')
  if (tool === 'node-pg-migrate') return runProgram(manager, 'node-pg-migrate up')
  return undefined
}
