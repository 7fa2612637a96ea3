import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { startPgBouncer } from '../../leak-hunt/servers/pgbouncer.ts'
import { createTestDatabase } from '../setup/database.ts'
import { createWatched } from '../setup/watched.ts'

const LIMIT_MS = 60_000

/** Runs a module on the built package until it ends by itself. */
async function endOf(program: string, input: object): Promise<{ readonly code: number | null; readonly out: string }> {
  const index = new URL('../../dist/src/index.js', import.meta.url).href
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, INPUT: JSON.stringify({ ...input, index }) },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: LIMIT_MS,
  })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  const [code] = await once(child, 'close')
  return { code, out: out.trim() }
}

describe('the watch and its process', () => {
  it(
    'lets a process end that has nothing else to do, and not before ready() has answered',
    async () => {
      const database = await createTestDatabase()
      const ended = await endOf(
        `const { index, url, secret } = JSON.parse(process.env.INPUT)
       const { createPartywall, runWithTenant, silentLogger } = await import(index)
       const wall = createPartywall({
         database: { url, allowExitOnIdle: true },
         auth: { issuer: 'https://issuer.example', audience: 'api', algorithms: ['HS256'], tenantClaims: { tenant: 'org_id' },
           keys: { secret: 'a secret that is long enough for HMAC with SHA-256' } },
         seal: { secret }, tenants: { listenUrl: false }, audit: false, logger: silentLogger,
       })
       await wall.ready()
       console.log('ready')`,
        { url: database.appUrl, secret: database.sealSecret },
      )
      expect(ended).toEqual({ code: 0, out: 'ready' })
    },
    LIMIT_MS,
  )
})

describe('the watch behind PgBouncer in transaction mode', () => {
  it('notices what is lost, and that it is back', async () => {
    const bouncers: Awaited<ReturnType<typeof startPgBouncer>>[] = []
    const watched = await createWatched({ audit: false, tenants: { listenUrl: false } }, async (database) => {
      const bouncer = await startPgBouncer(database.appUrl, 3)
      bouncers.push(bouncer)
      return { database: { url: bouncer.url, max: 3, pooler: 'transaction' } }
    })
    try {
      expect(await watched.titles()).toEqual(['First document'])
      await watched.database.admin('alter table public.documents disable row level security')
      await watched.lost('documents')
      await watched.database.admin('alter table public.documents enable row level security')
      await watched.back()
    } finally {
      await watched.wall.close({ timeoutMs: 5_000 })
      for (const bouncer of bouncers) await bouncer.stop()
    }
  })
})
