import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPgBouncer } from '../../leak-hunt/servers/pgbouncer.ts'
import type { DoctorLine } from '../../src/doctor/doctor-line.ts'
import { examine } from '../../src/doctor/examine.ts'
import { detectPooler } from '../../src/doctor/pooler.ts'
import { startIssuer, type TestIssuer } from '../setup/issuer.ts'
import { type RedisServer, startRedis } from '../setup/redis.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = join(root, 'dist/cli/main.js')

let folder: string
let two: TwoTenants
let idp: TestIssuer
let redis: RedisServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partywall-doctor-'))
  await writeFile(join(folder, 'package.json'), '{}')
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  ;[two, idp, redis] = await Promise.all([createTwoTenants(), startIssuer(), startRedis()])
})
afterAll(async () => {
  await Promise.all([idp.close(), redis.stop()])
  await rm(folder, { recursive: true })
})

const settings = () => ({
  databaseUrl: two.database.appUrl,
  sealSecret: two.database.sealSecret,
  pooler: undefined,
  tenantColumns: ['tenant_id'],
  jwksUrl: idp.jwksUrl,
  redisUrl: redis.url,
  folder,
})

const worst = (lines: readonly DoctorLine[]) => lines.filter(({ verdict }) => verdict !== 'ok')

describe('partywall doctor', { timeout: 60_000 }, () => {
  it('finds nothing where everything is as it should be', async () => {
    const lines = await examine(settings())
    expect(worst(lines)).toEqual([])
    expect(new Set(lines.map(({ area }) => area))).toEqual(
      new Set(['Node.js', 'pg', 'seal', 'PostgreSQL', 'directory', 'clocks', 'pooler', 'identity provider', 'Redis']),
    )
  })

  it('reports what wall.ready() refuses, with the SQL that cures it, and the cure works', async () => {
    await two.database.admin('alter table documents disable row level security')
    const found = worst(await examine(settings()))
    expect(found).toEqual([expect.objectContaining({ area: 'PostgreSQL', verdict: 'error' })])
    await two.database.admin(found[0]?.fix ?? '')
    expect(worst(await examine(settings()))).toEqual([])
  })

  it('reports another secret than the database knows', async () => {
    const found = await examine({ ...settings(), sealSecret: 'another secret of more than thirty-two characters' })
    expect(worst(found)).toContainEqual(
      expect.objectContaining({ verdict: 'error', sentence: expect.stringContaining('refuses this application') }),
    )
  })

  it('goes on with the other parts where the database, the provider and Redis are away', async () => {
    const lines = await examine({
      ...settings(),
      databaseUrl: 'postgres://app:secret-word@127.0.0.1:1/app',
      jwksUrl: 'http://127.0.0.1:1/keys',
      redisUrl: 'redis://:secret-word@127.0.0.1:1',
    })
    const errors = worst(lines).map(({ area, verdict }) => `${verdict} ${area}`)
    expect(errors).toEqual(['error PostgreSQL', 'error identity provider', 'warning Redis'])
    expect(lines.every(({ verdict, fix }) => verdict !== 'error' || fix !== undefined)).toBe(true)
    expect(JSON.stringify(lines)).not.toContain('secret-word')
  })

  it('says what was not looked at, and by which setting it would be', async () => {
    const lines = await examine({ ...settings(), databaseUrl: undefined, jwksUrl: undefined, redisUrl: undefined })
    const skipped = lines.filter(({ verdict }) => verdict === 'skipped').map(({ sentence }) => sentence)
    expect(skipped.join('\n')).toMatch(
      /DATABASE_URL.*If an identity provider signs your tokens, set JWKS_URL.*If your rate limits use Redis, set REDIS_URL/s,
    )
  })

  it('says why Redis can not be reached, and calls it an error only if the caller named it', async () => {
    const away = { ...settings(), redisUrl: 'redis://127.0.0.1:1' }
    const redisLine = (lines: readonly DoctorLine[]) => lines.find(({ area }) => area === 'Redis')
    expect(redisLine(await examine(away))).toMatchObject({
      verdict: 'warning',
      sentence: `The server at REDIS_URL can't be used: connect ECONNREFUSED 127.0.0.1:1. Only the rate limits of partywall need it.`,
    })
    expect(redisLine(await examine({ ...away, redisIsOurs: true }))).toMatchObject({
      verdict: 'error',
      sentence: `The server at --redis-url can't be used: connect ECONNREFUSED 127.0.0.1:1.`,
    })
  })

  it('warns of a Redis that drops counters', async () => {
    const evicting = await startRedis({ config: { maxmemory: '64mb', 'maxmemory-policy': 'allkeys-lru' } })
    try {
      expect(worst(await examine({ ...settings(), redisUrl: evicting.url }))).toEqual([
        expect.objectContaining({
          area: 'Redis',
          verdict: 'warning',
          sentence: expect.stringContaining('allkeys-lru'),
        }),
      ])
    } finally {
      await evicting.stop()
    }
  })

  it('reports a file of secrets that git has recorded', async () => {
    const repository = await mkdtemp(join(tmpdir(), 'partywall-doctor-git-'))
    try {
      const git = (...words: readonly string[]) => spawnSync('git', words, { cwd: repository })
      git('init')
      await writeFile(join(repository, '.env'), 'PARTYWALL_SEAL_SECRET=x')
      const found = () => examine({ ...settings(), databaseUrl: undefined, folder: repository })
      expect(JSON.stringify(await found())).not.toContain('git repository')
      git('add', '-f', '.env')
      expect(await found()).toContainEqual(
        expect.objectContaining({
          verdict: 'error',
          sentence: expect.stringContaining('.env is in the git repository'),
        }),
      )
    } finally {
      await rm(repository, { recursive: true })
    }
  })

  it('exits 0 without an error and 1 with one, and prints JSON for programs', async () => {
    // Not spawnSync(): the identity provider of the test answers in this process.
    const doctor = (...flags: readonly string[]) =>
      promisify(execFile)(process.execPath, [program, 'doctor', ...flags], {
        cwd: folder,
        env: {
          ...process.env,
          NO_COLOR: '1',
          DATABASE_URL: two.database.appUrl,
          PARTYWALL_SEAL_SECRET: two.database.sealSecret,
          JWKS_URL: idp.jwksUrl,
          REDIS_URL: redis.url,
        },
      })
    expect((await doctor()).stdout).toContain('0 errors, 0 warnings, 0 not looked at')
    const bad = await doctor('--redis-url', 'redis://127.0.0.1:1', '--json').catch((problem: unknown) => problem)
    expect(bad).toMatchObject({ code: 1 })
    const lines: unknown = JSON.parse(String(Reflect.get(Object(bad), 'stdout')))
    expect(lines).toContainEqual(expect.objectContaining({ area: 'Redis', verdict: 'error' }))
  })

  it('examines the login of the application where partywall init was: there DATABASE_URL is that of the migrations', async () => {
    const own = await mkdtemp(join(tmpdir(), 'partywall-doctor-init-'))
    try {
      await writeFile(join(own, 'package.json'), '{}')
      await symlink(join(root, 'node_modules'), join(own, 'node_modules'))
      await writeFile(
        join(own, 'partywall.config.mjs'),
        "export default { envFile: '.env', appRole: 'app', tenantColumn: ['tenant_id'] }",
      )
      await writeFile(
        join(own, '.env'),
        `DATABASE_URL=${two.database.adminUrl}\nPARTYWALL_DATABASE_URL=${two.database.appUrl}\nPARTYWALL_SEAL_SECRET=${two.database.sealSecret}\n`,
      )
      const { DATABASE_URL: _url, PARTYWALL_SEAL_SECRET: _secret, ...environment } = process.env
      const doctor = (env: NodeJS.ProcessEnv) =>
        promisify(execFile)(process.execPath, [program, 'doctor', '--json'], { cwd: own, env })
      const lines: readonly DoctorLine[] = JSON.parse((await doctor(environment)).stdout)
      const verdicts = lines.map(({ area, verdict }) => `${area} ${verdict}`)
      expect(verdicts).toEqual(expect.arrayContaining(['seal ok', 'PostgreSQL ok']))
    } finally {
      await rm(own, { recursive: true })
    }
  })
})

describe('the mode of the pooler', { timeout: 60_000 }, () => {
  it('is none on a direct connection', async () => {
    expect(await detectPooler(two.database.appUrl)).toBe('none')
  })

  it.each([
    ['transaction', 1],
    ['transaction', 2],
    ['transaction', 5],
    ['session', 1],
    ['session', 4],
    ['statement', 2],
  ] as const)('is found: %s, %i backends', async (mode, backends) => {
    const bouncer = await startPgBouncer(two.database.appUrl, backends, { mode })
    try {
      expect(await detectPooler(bouncer.url)).toBe(mode)
    } finally {
      await bouncer.stop()
    }
  })

  it('is compared with the option of the application', async () => {
    const bouncer = await startPgBouncer(two.database.appUrl, 3)
    const poolers = async (pooler: boolean | undefined) => {
      const lines = await examine({ ...settings(), databaseUrl: bouncer.url, pooler })
      return lines.filter(({ area }) => area === 'pooler').map(({ verdict }) => verdict)
    }
    try {
      expect(await poolers(undefined)).toEqual(['warning'])
      expect(await poolers(true)).toEqual(['ok'])
    } finally {
      await bouncer.stop()
    }
  })
})
