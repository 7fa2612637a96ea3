import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type DoctorLine, type DoctorSettings, error, messageOf, ok, skipped, warning } from './doctor-line.ts'

const AREA = 'Redis'
const LIMIT_MS = 5_000

/** A connection for a few commands. */
interface Connection {
  send(command: string, ...values: readonly string[]): Promise<unknown>
  close(): void
}

/** Checks whether Redis runs scripts, which version it is, and whether it drops counters when its memory is full. */
export async function examineRedis(settings: DoctorSettings): Promise<readonly DoctorLine[]> {
  const { redisUrl, redisIsOurs, folder } = settings
  if (redisUrl === undefined)
    return [skipped(AREA, 'Not looked at. If your rate limits use Redis, set REDIS_URL or give --redis-url.')]
  if (!URL.canParse(redisUrl))
    return [
      error(
        AREA,
        `${redisIsOurs ? '--redis-url' : 'REDIS_URL'} is not a URL.`,
        'Its form is redis://user:password@host:6379.',
      ),
    ]
  const open = await clientOf(folder)
  // A server that can't be used is an error only if the caller says that partywall uses it: the application may use REDIS_URL for something else.
  const fault = (sentence: string, fix: string) =>
    redisIsOurs
      ? error(AREA, sentence, fix)
      : warning(AREA, `${sentence} Only the rate limits of partywall need it.`, fix)
  if (open === undefined)
    return [fault('The application has neither ioredis nor redis.', 'npm install ioredis, or npm install redis')]
  let connection: Connection | undefined
  try {
    connection = await open(redisUrl)
    await connection.send('EVAL', 'return 1', '0')
    return [...version(String(await connection.send('INFO', 'server'))), ...(await eviction(connection))]
  } catch (problem) {
    const sentence = `The server at ${redisIsOurs ? '--redis-url' : 'REDIS_URL'} can't be used: ${messageOf(problem)}.`
    return [fault(sentence, 'Start the server, and correct the URL. Its user must be allowed to run EVAL and EVALSHA.')]
  } finally {
    connection?.close()
  }
}

function version(info: string): readonly DoctorLine[] {
  const found = /^(?:valkey|redis)_version:(\d+)\.(\d+)\S*/m.exec(info)
  const [whole = '', major = '0', minor = '0'] = found ?? []
  if (Number(major) > 6 || (Number(major) === 6 && Number(minor) >= 2)) return [ok(AREA, whole.replace(':', ' '))]
  return [error(AREA, `Its version is ${whole.split(':')[1] ?? 'not known'}.`, 'Use Redis 6.2 or later, or Valkey.')]
}

async function eviction(connection: Connection): Promise<readonly DoctorLine[]> {
  const answer = await connection.send('CONFIG', 'GET', 'maxmemory-policy').catch(() => undefined)
  // Managed servers forbid CONFIG.
  const policy = Array.isArray(answer) ? String(answer[1]) : 'noeviction'
  if (policy === 'noeviction') return []
  const sentence = `maxmemory-policy is ${policy}: when memory is full, Redis drops counters, and those limits begin anew.`
  return [warning(AREA, sentence, 'Use a separate Redis server for the limits, with maxmemory-policy noeviction.')]
}

/** The methods of ioredis that are used here. */
interface Ioredis {
  on(event: 'error', listener: (problem: Error) => void): void
  connect(): Promise<void>
  call(command: string, ...values: readonly string[]): Promise<unknown>
  disconnect(): void
}

/** The methods of the package redis that are used here. */
interface NodeRedis {
  on(event: 'error', listener: () => void): void
  connect(): Promise<unknown>
  sendCommand(words: readonly string[]): Promise<unknown>
  destroy(): void
}

/**
 * Returns a function that connects with the client library of the application. Undefined if the application has neither ioredis nor redis.
 */
async function clientOf(folder: string): Promise<((url: string) => Promise<Connection>) | undefined> {
  const require = createRequire(join(folder, 'package.json'))
  const load = async (name: string): Promise<object | undefined> => {
    try {
      return Object(await import(pathToFileURL(require.resolve(name)).href))
    } catch {
      return undefined
    }
  }
  const ioredis = await load('ioredis')
  if (ioredis !== undefined) return (url) => openIoredis(ioredis, url)
  const redis = await load('redis')
  return redis === undefined ? undefined : (url) => openNodeRedis(redis, url)
}

async function openIoredis(module: object, url: string): Promise<Connection> {
  const Redis = Reflect.get(module, 'Redis') ?? Reflect.get(module, 'default')
  const client: Ioredis = Reflect.construct(Redis, [
    url,
    { lazyConnect: true, retryStrategy: () => null, connectTimeout: LIMIT_MS, commandTimeout: LIMIT_MS },
  ])
  let cause: Error | undefined
  client.on('error', (problem) => {
    cause = problem
  })
  // connect() rejects with “Connection is closed.”, whatever the cause is.
  await client.connect().catch((problem: unknown) => {
    throw cause ?? problem
  })
  return { send: (command, ...values) => client.call(command, ...values), close: () => client.disconnect() }
}

async function openNodeRedis(module: object, url: string): Promise<Connection> {
  const client: NodeRedis = Reflect.apply(Reflect.get(module, 'createClient'), undefined, [
    { url, socket: { reconnectStrategy: false, connectTimeout: LIMIT_MS } },
  ])
  client.on('error', () => {}) // connect() rejects with it too
  await client.connect()
  return { send: (...words) => client.sendCommand(words), close: () => client.destroy() }
}
