import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from '../src/embedded/free-port.ts'
import { createMemoryStore } from '../src/rate-limit/memory-store.ts'
import { createRedisStore } from '../src/rate-limit/redis-store.ts'
import type { RateLimitStore } from '../src/rate-limit/store.ts'

interface LimitStore {
  readonly store: RateLimitStore
  /** Description for the output. */
  readonly what: string
  close(): Promise<void>
}

/** Redis, if `REDIS_URL` is set or a redis-server is on PATH; otherwise the memory of this process. */
export async function openLimitStore(): Promise<LimitStore> {
  const url = process.env['REDIS_URL']
  if (url !== undefined && url !== '') {
    const prefix = `partywall-demo-${process.pid}:rl:`
    return { store: createRedisStore(url, { prefix }), what: 'the Redis of REDIS_URL', close: async () => {} }
  }
  const started = await startServer().catch(() => undefined)
  if (started === undefined) {
    return {
      store: createMemoryStore(),
      what: 'memory (no REDIS_URL, and no redis-server on PATH that starts)',
      close: async () => {},
    }
  }
  return { store: createRedisStore(started.url), what: 'a redis-server started for this run', close: started.end }
}

async function startServer(): Promise<{ url: string; end: () => Promise<void> } | undefined> {
  const port = await freePort()
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
      windowsHide: true,
    },
  )
  const ready = await new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false))
    child.once('exit', () => resolve(false))
    child.stdout?.on('data', (chunk: Buffer) => {
      if (/ready to accept connections/i.test(chunk.toString())) resolve(true)
    })
  })
  if (!ready) return undefined
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  return {
    url: `redis://127.0.0.1:${port}`,
    async end() {
      process.removeListener('exit', kill)
      if (child.exitCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}
