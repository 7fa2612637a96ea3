import type { ThrowAwayServer } from '../../embedded/throw-away-server.ts'
import { fileSessions } from './file-sessions.ts'
import { locateObjects } from './locate-objects.ts'
import { filledNote } from './placeholders.ts'
import { type PlatformPrelude, platformPrelude } from './platform-prelude.ts'
import type { PreparedSource, SourceOptions } from './prepared-source.ts'
import { type MigrationFile, type Migrations, readMigrations } from './read-migrations.ts'
import { runFile } from './run-statements.ts'
import { shownStatements } from './shown-statements.ts'
import { openingLine, openThrowAwayDatabase, type ThrowAwayDatabase } from './throw-away-database.ts'

interface LoadMigrationsOptions extends SourceOptions {
  /** A folder, a file, or `-`. */
  readonly path: string
  /** Reads standard input to its end, for `-`. */
  readonly standardInput?: () => Promise<Buffer>
  /** By default, a server is started for this run. */
  readonly server?: ThrowAwayServer
}

/** Things that a dump of a schema does not contain: see "pg_dump", Notes. */
const dumpGaps = [
  'a dump holds no role attributes (SUPERUSER, BYPASSRLS, LOGIN) and no memberships: check them with --database-url',
  'a dump holds no grants on the database and no settings of roles: check them with --database-url',
]

/**
 * Builds the schema of `--migrations` on a throw-away PostgreSQL.
 *
 * If a file uses partywall's objects and no file creates its schema, partywall's own migrations are applied first.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with file and line of the text that can't be read or run
 */
export async function loadMigrations(options: LoadMigrationsOptions): Promise<PreparedSource> {
  const { onProgress = () => {} } = options
  const migrations = await readMigrations(options.path, options.standardInput)
  onProgress(openingLine(options.server, `${count(migrations.files.length, 'file')} of ${options.path}`))
  const database = await openThrowAwayDatabase(options.server)
  const sessions = fileSessions(database.url)
  try {
    const own = ownPart(migrations.files)
    const ownFiles = own === 'missing' ? await database.applyOwn() : []
    // Restore the default grants on the database, except for a dump: it does not contain these grants, so they are unknown.
    if (own !== 'missing' && !migrations.files.some((file) => file.dump)) await database.grantDefaults()
    const platform = platformPrelude(migrations.files)
    if (platform !== undefined) await database.run(platform.before)
    for (const role of platform?.roles ?? []) if (!database.knownRoles.has(role)) database.remember(role)
    const knownRoles = new Set([...database.knownRoles, ...(platform?.roles ?? [])])
    const added = new Set<string>()
    const rolesMade = new Set<string>()
    const extensions = new Set<string>()
    const standIns = new Map<string, string>()
    const filled = new Set<string>()
    let indexesLeftOut = 0
    for (const file of migrations.files) {
      onProgress(`running ${file.name}`)
      const result = await runFile(file, {
        url: database.url,
        sessions,
        knownRoles,
        rolesMade,
        signal: options.signal,
        extensionsMissing: extensions,
      })
      for (const role of [...result.rolesAdded, ...result.rolesCreated]) database.remember(role)
      for (const role of result.rolesCreated) rolesMade.add(role)
      for (const role of result.rolesAdded) added.add(role)
      for (const extension of result.extensionsMissing) extensions.add(extension)
      for (const [extension, says] of result.standIns) standIns.set(extension, says)
      for (const name of result.filled) filled.add(name)
      indexesLeftOut += result.indexesLeftOut
    }
    if (platform !== undefined) await database.run(platform.after)
    const rolesAdded = [...added]
    const sealed = await database.addSealKey()
    return {
      url: database.url,
      sealSecret: sealed ? database.sealSecret : undefined,
      notes: [...notesOf(migrations, own, rolesAdded, database, platform), ...filledNote(filled)],
      gaps: [...gapsOf(migrations.files, rolesAdded, [...extensions]), ...standInGaps(standIns, indexesLeftOut)],
      files: migrations.files.map(({ name, bytes, sha256, statements }) => ({
        name,
        bytes,
        sha256,
        statements: shownStatements(statements),
      })),
      ownFiles,
      rolesAdded,
      locate: locateObjects(migrations.files),
      makeAppRole: () => database.makeAppRole(),
      close: () => database.close(),
    }
  } catch (error) {
    await database.close()
    throw error
  } finally {
    await sessions.end().catch(() => {}) // the database may be gone, and the session with it
  }
}

/** Whether the files need partywall's own objects, create them, or do not use them. Comments do not count. */
function ownPart(files: readonly MigrationFile[]): 'missing' | 'included' | 'unused' {
  const statements = files.flatMap((file) => file.statements)
  if (!statements.some((statement) => /\bpartywall(?:\b|_)/i.test(statement.text))) return 'unused'
  const included = statements.some((statement) => /^create schema (if not exists )?"?partywall"?/.test(statement.head))
  return included ? 'included' : 'missing'
}

function notesOf(
  migrations: Migrations,
  own: 'missing' | 'included' | 'unused',
  rolesAdded: readonly string[],
  database: ThrowAwayDatabase,
  platform: PlatformPrelude | undefined,
): string[] {
  const notes = [database.serverNote]
  if (own === 'missing') notes.push("partywall's own migrations first, with a random seal secret")
  if (own === 'unused') notes.push("partywall's own migrations left out: no file names partywall")
  notes.push(...(platform?.notes ?? []))
  for (const file of migrations.files) {
    const parts = [count(file.statements.length, 'statement')]
    if (file.dump) parts.push('written by pg_dump')
    if (file.copiedRows > 0)
      parts.push(`${count(file.copiedRows, 'row')} of COPY blocks left out: verify plants its own`)
    if (file.downSectionCut) parts.push('its marked down migration left out')
    notes.push(`${file.name}: ${parts.join(', ')}`)
  }
  if (migrations.ignored.length > 0) notes.push(`down migrations, not read: ${migrations.ignored.join(', ')}`)
  if (rolesAdded.length > 0) {
    notes.push(
      `roles that files mention but do not create, created for this run without login and attributes: ${rolesAdded.join(', ')}`,
    )
  }
  return notes
}

function gapsOf(
  files: readonly MigrationFile[],
  rolesAdded: readonly string[],
  extensionsMissing: readonly string[],
): string[] {
  const gaps = files.some((file) => file.dump) ? [...dumpGaps] : []
  if (rolesAdded.length > 0) {
    gaps.push(
      `the attributes and memberships of ${rolesAdded.join(', ')} are not known here: check with --database-url`,
    )
  }
  if (extensionsMissing.length > 0) {
    gaps.push(
      `left out, since this server does not have ${extensionsMissing.length === 1 ? 'it' : 'them'}: extension ${extensionsMissing.join(', ')}; check with --database-url`,
    )
  }
  return gaps
}

function standInGaps(standIns: ReadonlyMap<string, string>, indexesLeftOut: number): string[] {
  const gaps = [...standIns].map(
    ([name, says]) => `extension ${name} is not on this server; instead verify created ${says}`,
  )
  if (indexesLeftOut > 0)
    gaps.push(`${count(indexesLeftOut, 'index')} of such an extension left out`.replace('indexs', 'indexes'))
  return gaps
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
