// A real Redis (or Valkey) for tests and benches: PARTYWALL_TEST_REDIS_URL, else redis-server or valkey-server on PATH,
// else (Debian, Ubuntu) the package fetched without root into a cache folder. Servers listen on loopback only, each in a
// folder of its own, and end with the process that started them.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { fetchDebPackages } from '../../leak-hunt/servers/deb-packages.ts'
import { freePort } from '../../src/embedded/free-port.ts'

/** A server program that works here. */
interface RedisProgram {
  readonly path: string
  readonly env: Readonly<Record<string, string>>
  readonly version: string
}

const REDIS_CURES = [
  'install redis-server or valkey-server (6.2 or later) so that it is on PATH',
  'or set PARTYWALL_TEST_REDIS_URL=redis://127.0.0.1:6379 to a throw-away server (its tests of faults and clusters still need the program)',
  'or run on Debian or Ubuntu with network, where the tests fetch the package themselves',
] as const

// The program tells by its own name what it is: the same file checks dumps under another one.
const ARGV0 = 'redis-server'

let found: Promise<RedisProgram> | undefined

/**
 * Finds a server program, fetching it where there is none.
 *
 * @throws an error that names the cures
 */
function findRedis(): Promise<RedisProgram> {
  found ??= search()
  return found
}

async function search(): Promise<RedisProgram> {
  for (const name of ['redis-server', 'valkey-server']) {
    const version = versionOf(name, {})
    if (version !== undefined) return { path: name, env: {}, version }
  }
  let cause: unknown
  try {
    const { root, env } = await fetchDebPackages(['redis-server'])
    const path = join(root, 'usr/bin/redis-server')
    const version = versionOf(path, env)
    if (version !== undefined) return { path, env, version }
  } catch (error) {
    cause = error
  }
  throw new Error(`No Redis server works here. Cures:\n  ${REDIS_CURES.join('\n  ')}`, { cause })
}

function versionOf(path: string, env: Readonly<Record<string, string>>): string | undefined {
  const answer = spawnSync(path, ['--version'], { env: { ...process.env, ...env }, encoding: 'utf8', argv0: ARGV0 })
  return answer.status === 0 ? /v=([\d.]+)/.exec(answer.stdout)?.[1] : undefined
}

/** One running server that a test owns. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  readonly folder: string
  /** SIGKILL, as a crash; the folder stays, so that `restart` can load what was saved. */
  kill(): Promise<void>
  /** Starts it again on the same port and folder after `kill`. */
  restart(): Promise<void>
  /** SIGSTOP: the port accepts, nobody answers. */
  pause(): void
  /** SIGCONT after `pause`. */
  resume(): void
  /** Ends the server and removes its folder. */
  stop(): Promise<void>
}

interface RedisServerOptions {
  /** Configuration as on the command line: `{ maxmemory: '2mb', appendonly: 'yes' }`. Default: nothing is persisted. */
  readonly config?: Readonly<Record<string, string>>
  readonly port?: number
}

const running = new Set<ChildProcess>()
// A test process that ends early leaves no server behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a server of one's own on a free loopback port and waits until it answers. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const program = await findRedis()
  const port = options.port ?? (await freePort())
  const folder = await mkdtemp(join(tmpdir(), 'partywall-redis-'))
  const config = { save: '', appendonly: 'no', ...options.config }
  let child = await launch(program, port, folder, config)
  async function kill(): Promise<void> {
    await ended(child)
  }
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    folder,
    kill,
    async restart() {
      child = await launch(program, port, folder, config)
    },
    pause() {
      child.kill('SIGSTOP')
    },
    resume() {
      child.kill('SIGCONT')
    },
    async stop() {
      await ended(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A URL of a server for tests that only need one: the given server's, else one of their own. */
export async function redisForTests(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const url = process.env['PARTYWALL_TEST_REDIS_URL']
  if (url !== undefined && url !== '') return { url, stop: async () => {} }
  return startRedis()
}

async function launch(
  program: RedisProgram,
  port: number,
  folder: string,
  config: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  const settings = Object.entries({ port: String(port), bind: '127.0.0.1', dir: folder, ...config })
  const child = spawn(
    program.path,
    settings.flatMap(([name, value]) => [`--${name}`, value]),
    { env: { ...process.env, ...program.env }, argv0: ARGV0, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  running.add(child)
  let output = ''
  const collect = (chunk: Buffer) => {
    output = `${output}${chunk.toString()}`.slice(-4000)
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const password = config['requirepass']
  const probe = new Redis({
    port,
    host: '127.0.0.1',
    retryStrategy: () => 20,
    maxRetriesPerRequest: null,
    ...(password === undefined ? {} : { password }),
  })
  probe.on('error', () => {})
  try {
    await Promise.race([
      probe.ping(),
      new Promise((_, reject) => {
        child.once('exit', () => reject(new Error(`redis-server ended at once:\n${output}`)))
        child.once('error', reject)
        setTimeout(() => reject(new Error(`redis-server does not answer:\n${output}`)), 15_000).unref()
      }),
    ])
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  } finally {
    probe.disconnect()
  }
  return child
}

async function ended(child: ChildProcess): Promise<void> {
  running.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = new Promise((resolve) => {
    child.once('exit', resolve)
  })
  child.kill('SIGKILL')
  await exit
}
