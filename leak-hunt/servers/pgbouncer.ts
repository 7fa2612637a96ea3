// A real PgBouncer in transaction mode: PARTYWALL_TEST_PGBOUNCER (path of the program), else pgbouncer on PATH, else (Debian,
// Ubuntu) the package fetched without root into a cache folder. Loopback only; ends with the test that started it.
import { spawn, spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../src/embedded/free-port.ts'
import { fetchDebPackages } from './deb-packages.ts'

export interface PgBouncer {
  /** The same database through the pooler. */
  readonly url: string
  readonly version: string
  stop(): Promise<void>
}

interface Program {
  readonly path: string
  readonly env: Readonly<Record<string, string>>
  readonly version: string
}

const CURES = [
  'install pgbouncer so that it is on PATH',
  'or set PARTYWALL_TEST_PGBOUNCER to the path of the program',
  'or run on Debian or Ubuntu with network, where the tests fetch the package themselves',
]

/** @throws an error that says how to get PgBouncer, if none works */
async function findPgBouncer(): Promise<Program> {
  for (const path of [process.env['PARTYWALL_TEST_PGBOUNCER'], 'pgbouncer', '/usr/sbin/pgbouncer']) {
    const version = path === undefined ? undefined : versionOf(path, {})
    if (path !== undefined && version !== undefined) return { path, env: {}, version }
  }
  let cause: unknown
  try {
    const { root, env } = await fetchDebPackages(['pgbouncer'])
    const path = join(root, 'usr/sbin/pgbouncer')
    const version = versionOf(path, env)
    if (version !== undefined) return { path, env, version }
  } catch (error) {
    cause = error
  }
  throw new Error(`No PgBouncer works here. Do one of these:\n  ${CURES.join('\n  ')}`, { cause })
}

function versionOf(path: string, env: Readonly<Record<string, string>>): string | undefined {
  const answer = spawnSync(path, ['--version'], { env: { ...process.env, ...env }, encoding: 'utf8' })
  return answer.status === 0 ? /PgBouncer ([\d.]+)/i.exec(answer.stdout)?.[1] : undefined
}

/**
 * Starts PgBouncer in front of a database, in transaction mode unless another mode is given.
 *
 * @param connectionString of the login role that the application uses
 * @param serverConnections number of connections to PostgreSQL that all clients share; few, so that clients get each other's connections
 * @param options.settings lines of the section `[pgbouncer]` that replace the modes, sizes and resets of this file
 * @param options.resetAlways `server_reset_query_always`: DISCARD ALL after each transaction; default off, as in PgBouncer
 */
export async function startPgBouncer(
  connectionString: string,
  serverConnections = 2,
  options: {
    readonly settings?: string
    readonly resetAlways?: boolean
    readonly mode?: 'session' | 'transaction' | 'statement'
  } = {},
): Promise<PgBouncer> {
  const program = await findPgBouncer()
  const target = new URL(connectionString)
  const folder = await mkdtemp(join(tmpdir(), 'partywall-pgbouncer-'))
  await chmod(folder, 0o755)
  const port = await freePort()
  const password = decodeURIComponent(target.password)
  const ownSettings = `pool_mode = ${options.mode ?? 'transaction'}
server_reset_query_always = ${options.resetAlways === true ? 1 : 0}
default_pool_size = ${serverConnections}
max_client_conn = 200
ignore_startup_parameters = extra_float_digits`
  await writeFile(join(folder, 'users.txt'), `"${target.username}" "${password}"\n`)
  await writeFile(
    join(folder, 'pgbouncer.ini'),
    `[databases]
* = host=${target.hostname} port=${target.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${join(folder, 'users.txt')}
${options.settings ?? ownSettings}
${process.getuid?.() === 0 ? 'user = nobody' : ''}
`,
  )
  const child = spawn(program.path, [join(folder, 'pgbouncer.ini')], {
    env: { ...process.env, ...program.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  child.stderr.on('data', (chunk) => {
    log += String(chunk)
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  // If the test's process ends before it calls stop(), the pooler must not stay.
  const killed = () => child.kill('SIGKILL')
  process.once('exit', killed)
  const stop = async () => {
    process.off('exit', killed)
    child.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  for (let attempt = 0; ; attempt++) {
    if (await answers(port)) break
    if (attempt === 100 || child.exitCode !== null) {
      await stop()
      throw new Error(`PgBouncer did not start:\n${log}`)
    }
    await sleep(50)
  }
  const through = new URL(connectionString)
  through.hostname = '127.0.0.1'
  through.port = String(port)
  return { url: through.href, version: program.version, stop }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
