import { type ChildProcess, spawn } from 'node:child_process'
import { commandEnvironment, envFilesOf } from '../../config/command-environment.ts'
import type { ThrowAwayServer } from '../../embedded/throw-away-server.ts'
import { ConfigurationError } from '../../errors.ts'
import type { PreparedSource, SourceOptions } from './prepared-source.ts'
import { openingLine, openThrowAwayDatabase, type ThrowAwayDatabase } from './throw-away-database.ts'

interface RunCommandOptions extends SourceOptions {
  /** Command line for a shell. It runs in the current folder. */
  readonly command: string
  /** The environment that the command inherits. Variables that name a database are replaced: see {@link commandEnvironment}. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The folder of the project, in which the command runs; default: the current folder. */
  readonly folder?: string
  /** By default, a server is started for this run. */
  readonly server?: ThrowAwayServer
}

/** A throw-away server offers no TLS, and the settings of another server's sessions may not exist there. */
const NO_SESSION_SETTINGS = {
  PGOPTIONS: undefined,
  PGSSLMODE: undefined,
  PGREQUIRESSL: undefined,
  PGTARGETSESSIONATTRS: undefined,
}

/** Characters of output that are kept: enough to see an error, and limited so that endless output does not fill the memory. */
const OUTPUT_KEPT = 16_384
/** Also with the quotation marks that JSON escapes, as logs of tools do. */
const needsOwnObjects =
  /\b(?:schema|relation|table|function|procedure|type) [\\"'`]*partywall\b[^\n]{0,300}?(?:is missing|does not exist)|\brole [\\"'`]*(?:tenant_user|tenant_admin|partywall_\w{1,40})[\\"'`]* does not exist/i

/**
 * Runs the user's own migration tool (Prisma, Drizzle, Knex, Flyway, …) against a fresh database.
 *
 * The database is empty, because migration tools refuse a database that is not empty. If the command fails because partywall's own objects
 * are missing, verify creates a second fresh database with these objects, and runs the command again.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the command fails, with the end of its output; also if it made no table, because it
 *   has then probably changed another database
 */
export async function runCommand(options: RunCommandOptions): Promise<PreparedSource> {
  const { onProgress = () => {} } = options
  onProgress(openingLine(options.server, `the command ${options.command}`))
  const first = await attempt(options, false)
  if ('source' in first) return first.source
  if (!needsOwnObjects.test(first.output)) throw failed(options.command, first)
  onProgress("the command needs partywall's own objects: once more, on a fresh database that has them")
  const second = await attempt(options, true)
  if ('source' in second) return second.source
  throw failed(options.command, second)
}

interface Failure {
  readonly how: string
  readonly output: string
}

async function attempt(options: RunCommandOptions, own: boolean): Promise<{ source: PreparedSource } | Failure> {
  const database = await openThrowAwayDatabase(options.server)
  try {
    const ownFiles = own ? await database.applyOwn() : []
    if (!own) await database.grantDefaults()
    const failure = await execute(options, database, await envFilesOf(options.folder ?? process.cwd()))
    if (failure !== undefined) {
      await database.close()
      return failure
    }
    if (await database.isEmpty()) throw madeNothing(options.command)
    const sealed = await database.addSealKey()
    const notes = [database.serverNote]
    if (own) notes.push("partywall's own migrations first, with a random seal secret")
    notes.push(`schema made by: ${options.command}`)
    return {
      source: {
        url: database.url,
        sealSecret: sealed ? database.sealSecret : undefined,
        notes,
        gaps: [],
        files: [],
        ownFiles,
        rolesAdded: [],
        locate: () => undefined,
        makeAppRole: () => database.makeAppRole(),
        close: () => database.close(),
      },
    }
  } catch (error) {
    await database.close()
    throw error
  }
}

function execute(
  options: RunCommandOptions,
  database: ThrowAwayDatabase,
  envFiles: readonly string[],
): Promise<Failure | undefined> {
  options.signal?.throwIfAborted()
  const child = spawn(options.command, {
    shell: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // The command gets its own process group, so that the shell's children can be ended together with the shell.
    detached: process.platform !== 'win32',
    windowsHide: true,
    cwd: options.folder,
    env: {
      ...commandEnvironment(options.environment, envFiles, database.url),
      ...NO_SESSION_SETTINGS,
      // For a command that runs `partywall migrate` itself.
      PARTYWALL_SEAL_SECRET: database.sealSecret,
    },
  })
  options.onProgress?.('the command runs')
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-OUTPUT_KEPT)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const end = () => endGroup(child)
  options.signal?.addEventListener('abort', end, { once: true })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      options.signal?.removeEventListener('abort', end)
      if (options.signal?.aborted === true) reject(options.signal.reason)
      else if (code === 0) resolve(undefined)
      else resolve({ how: code === null ? `was ended by ${signal}` : `ended with exit code ${code}`, output })
    })
  })
}

/** Ends the shell with all its children: SIGTERM, then SIGKILL after three seconds. */
function endGroup(child: ChildProcess): void {
  signalGroup(child, 'SIGTERM')
  setTimeout(() => signalGroup(child, 'SIGKILL'), 3000).unref()
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    if (process.platform === 'win32') child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch {
    // The process has ended already.
  }
}

function failed(command: string, failure: Failure): ConfigurationError {
  const output = failure.output.trim()
  return new ConfigurationError(
    `--run: the command ${failure.how}: ${command}\n${output === '' ? '(it printed nothing)' : output}`,
  )
}

function madeNothing(command: string): ConfigurationError {
  return new ConfigurationError(
    `--run: the command ended with exit code 0, and made no table in the database of this run: ${command}\nEither it found no migrations, or its connection comes neither from DATABASE_URL nor from PGHOST, DB_HOST and the like. Then it has changed another database: look there, and let the tool take its connection from the environment.`,
  )
}
