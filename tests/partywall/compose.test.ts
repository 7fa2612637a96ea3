import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { getCurrentTenant, runWithoutTenant, runWithTenant } from '../../src/context/run-with-tenant.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { createPartywall, type Partywall } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { startIssuer, type TestIssuer } from '../setup/issuer.ts'
import { createTestWall } from '../setup/wall.ts'

describe('createPartywall', () => {
  it('tells all problems of all parts at once, and never a value', () => {
    const wrong: unknown = {
      database: { url: 7, statementTimeoutMs: -1, roles: { tenant_admin: 'owner' } },
      auth: { issuer: 'https://idp.example', keys: {}, audience: 5 },
      seal: { secret: 'short-secret' },
      rateLimit: {},
      surprise: true,
    }
    let error: unknown
    try {
      // A user's JavaScript may pass anything.
      createPartywall(wrong as Parameters<typeof createPartywall>[0])
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
    const text = String(error)
    for (const part of [
      'database.url',
      'database.statementTimeoutMs',
      'database.roles',
      'seal.secret',
      'auth.',
      'rateLimit',
      'surprise',
    ]) {
      expect(text).toContain(part)
    }
    expect(text).not.toContain('short-secret')
  })

  it('names each setting that an unset environment variable leaves undefined', () => {
    const unset: unknown = {
      database: { url: undefined },
      auth: { issuer: undefined, keys: { jwksUrl: undefined }, algorithms: ['ES256'], audience: undefined },
      seal: { secret: undefined },
    }
    let text = ''
    try {
      createPartywall(unset as Parameters<typeof createPartywall>[0])
    } catch (error) {
      text = String(error)
    }
    for (const line of [
      'database.url: is undefined',
      'auth.issuer: ',
      'auth.keys: jwksUrl is undefined',
      'auth.audience: ',
    ])
      expect(text).toContain(`\n  ${line}`)
    expect(text).toContain('\n  seal: secret is undefined; give at least 32 random characters')
  })

  it('refuses a url that is none, and takes none where other settings say where to connect', () => {
    const config = (database: object) => ({
      database,
      auth: {
        issuer: 'https://idp.example',
        keys: { jwksUrl: 'https://idp.example/jwks' },
        algorithms: ['ES256' as const],
        audience: 'api',
        tenantClaims: { tenant: 'org_id' },
      },
      seal: false as const,
    })
    expect(() => createPartywall(config({ url: 'nonsense' }))).toThrow(/database\.url: must be a PostgreSQL URL/)
    for (const database of [{}, { url: undefined, host: '127.0.0.1' }, { url: '/run/postgresql shop' }])
      expect(() => createPartywall(config(database))).not.toThrow()
  })

  it('names what is missing where nothing is given', () => {
    expect(() => createPartywall({} as Parameters<typeof createPartywall>[0])).toThrow(/database[\s\S]*auth[\s\S]*seal/)
  })
})

describe('a wall', () => {
  let database: TestDatabase
  let wall: Partywall
  let issuer: TestIssuer
  let a: TestTenant
  let b: TestTenant
  const context = (tenant: TestTenant) => ({ tenantId: tenant.id, userId: tenant.userId, roles: ['owner'] })

  beforeAll(async () => {
    database = await createTestDatabase()
    ;({ wall, issuer } = await createTestWall(database))
    a = await createTestTenant(database)
    b = await createTestTenant(database)
  })

  it('is ready on the example schema', async () => {
    await expect(wall.ready()).resolves.toBeUndefined()
  })

  it('is not ready without its policies, and says how to mend it', async () => {
    const bare = await createTestDatabase()
    await bare.admin('alter table documents disable row level security')
    const { wall: other } = await createTestWall(bare)
    await expect(other.ready()).rejects.toThrow(/documents[\s\S]*row level security/i)
  })

  it('is not ready without a tenant directory, and says how to install one', async () => {
    const bare = await createTestDatabase()
    await bare.admin('drop function partywall.tenant_by_key(text) cascade')
    const { wall: other } = await createTestWall(bare)
    await expect(other.ready()).rejects.toThrow(/directory is not installed[\s\S]*install_directory[\s\S]*findByClaim/)
  })

  it('is not ready without a database, and names the setting once', async () => {
    const { wall: other } = await createTestWall(database, { database: { url: 'postgres://app:x@127.0.0.1:1/shop' } })
    const error = await other.ready().catch((thrown: unknown) => thrown)
    expect(String(error).match(/database\.url: the database server does not answer/g)).toHaveLength(1)
  })

  it('reads across tenants in a crossing alone, and writes it down first', async () => {
    const rows = await wall.runAcrossTenants({ actor: 'nightly-report', reason: 'count documents' }, async () => {
      return (await wall.pool.query('select tenant_id from documents')).rows
    })
    expect(new Set(rows.map((row) => row.tenant_id))).toEqual(new Set([a.id, b.id]))
    const written = await database.admin("select actor, reason from partywall.crossings where actor = 'nightly-report'")
    expect(written.rows).toEqual([{ actor: 'nightly-report', reason: 'count documents' }])
    await expect(
      runWithTenant(context(a), () => wall.runAcrossTenants({ actor: 'x', reason: 'y' }, async () => 1)),
    ).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_ISOLATION' })
  })

  describe('actAs', () => {
    const visit = { actor: 'support-7', reason: 'ticket 12', expiresIn: '5m' } as const

    it('reads one tenant as the real actor, and is written down', async () => {
      const seen = await wall.actAs({ ...visit, tenantId: a.id }, async () => ({
        context: getCurrentTenant(),
        rows: (await wall.pool.query('select tenant_id from documents')).rows,
        actor: (await wall.pool.query('select partywall.actor_id() as actor')).rows[0]?.actor,
      }))
      expect(seen.context).toMatchObject({
        tenantId: a.id,
        actor: { id: 'support-7', type: 'staff', reason: 'ticket 12' },
      })
      expect(seen.rows).toEqual([{ tenant_id: a.id }])
      expect(seen.actor).toBe('support-7')
      const written = await database.admin("select reason from partywall.crossings where actor = 'support-7'")
      expect(written.rows).toEqual([{ reason: 'ticket 12' }])
    })

    it('writes nothing unless it was asked for', async () => {
      const write = () => wall.pool.query("update documents set body = 'changed by staff'")
      await expect(wall.actAs({ ...visit, tenantId: a.id }, write)).rejects.toMatchObject({ code: '25006' })
      await expect(wall.actAs({ ...visit, tenantId: a.id, write: true }, write)).resolves.toMatchObject({ rowCount: 1 })
      const touched = await database.admin("select tenant_id from documents where body = 'changed by staff'")
      expect(touched.rows).toEqual([{ tenant_id: a.id }])
    })

    it('is visible to the tenant, and to no other', async () => {
      await wall.actAs({ ...visit, tenantId: a.id, reason: 'ticket 13' }, async () => 1)
      const visits = async (tenant: TestTenant) =>
        (await runWithTenant(context(tenant), async () => wall.audit?.query({ action: 'STAFF_ACCESS' })))?.events ?? []
      expect(await visits(a)).toContainEqual(
        expect.objectContaining({ details: expect.objectContaining({ reason: 'ticket 13', write: false }) }),
      )
      expect(await visits(b)).toEqual([])
    })

    it('is for one tenant: nothing inside leads to another one, or to all', async () => {
      const asB = { ...context(b), userId: visit.actor }
      for (const inside of [
        () => runWithTenant(asB, () => wall.pool.query('select 1')),
        () => wall.actAs({ ...visit, tenantId: b.id }, async () => 1),
        () => wall.runAcrossTenants({ actor: 'x', reason: 'y' }, async () => 1),
        () => runWithoutTenant(() => wall.runAcrossTenants({ actor: 'x', reason: 'y' }, async () => 1)),
      ]) {
        const reached = wall.actAs({ ...visit, tenantId: a.id }, async () => inside())
        await expect(reached).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_ISOLATION' })
      }
    })

    it('stays named, and gets no more rights, whatever context is opened inside', async () => {
      const inside = (changes: object) =>
        wall.actAs({ ...visit, tenantId: a.id, write: true }, async () =>
          runWithTenant({ tenantId: a.id, userId: visit.actor, ...changes }, async () => {
            const { rows } = await wall.pool.query('select partywall.actor_id() as actor, current_user as level')
            return rows[0]
          }),
        )
      expect(await inside({})).toEqual({ actor: 'support-7', level: 'tenant_user' })
      for (const more of [{ roles: ['owner'] }, { userId: a.userId }, { actor: { id: 'x', type: 'service' } }])
        await expect(inside(more)).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_ISOLATION' })
    })

    it('can not be handed on in an envelope that outlives it', async () => {
      const handedOn = wall.actAs({ ...visit, tenantId: a.id }, () =>
        wall.exportContext({ audience: 'jobs', expiresIn: '1d' }),
      )
      await expect(handedOn).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_ISOLATION' })
    })

    it('ends by itself', async () => {
      const work = wall.actAs({ ...visit, tenantId: a.id, expiresIn: 0.05 }, async () => {
        await wall.pool.query('select 1')
        await new Promise((resolve) => setTimeout(resolve, 80))
        return wall.pool.query('select 1')
      })
      await expect(work).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_ISOLATION' })
    })

    it('refuses a tenant that is unknown or suspended, and a request in a tenant', async () => {
      const gone = await createTestTenant(database, { status: 'suspended' })
      for (const tenantId of [gone.id, '00000000-0000-4000-8000-000000000000', 'acme']) {
        await expect(wall.actAs({ ...visit, tenantId }, async () => 1)).rejects.toMatchObject({
          code: 'PARTYWALL_TENANT_INACTIVE',
        })
      }
      await expect(
        runWithTenant(context(b), () => wall.actAs({ ...visit, tenantId: a.id }, async () => 1)),
      ).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_ISOLATION' })
    })
  })

  it('outlives the end of its idle connections', async () => {
    const warnings: string[] = []
    const logger = { ...silentLogger, warn: (_fields: object, message: string) => void warnings.push(message) }
    const { wall: other } = await createTestWall(database, { logger })
    const { rows } = await runWithTenant(context(a), () => other.pool.query('select pg_backend_pid() as pid'))
    const across = await other.runAcrossTenants({ actor: 'report', reason: 'count' }, () =>
      other.pool.query('select pg_backend_pid() as pid'),
    )
    for (const pid of [rows[0].pid, across.rows[0].pid]) await database.admin('select pg_terminate_backend($1)', [pid])
    await expect.poll(() => warnings).toContain('an idle connection to the database broke')
    await expect(runWithTenant(context(a), () => other.pool.query('select 1 as one'))).resolves.toBeDefined()
  })

  it('closes once, waits for work under way, and refuses new work with 503', async () => {
    const { wall: other, issuer: own } = await createTestWall(database)
    const admission = { token: await own.sign({ claims: { org_id: a.key } }), requestId: 'r', hints: [] }
    const admitted = await other.admit(admission)
    const work = other.beginWork(admitted.tenantId)
    let closed = false
    const closing = other.close().then(() => {
      closed = true
    })
    await expect(other.admit(admission)).rejects.toMatchObject({ code: 'PARTYWALL_CLOSED', status: 503 })
    // Work that is under way goes on.
    const rows = await runWithTenant(context(a), () => other.pool.query('select 1 as one'))
    expect(rows.rows).toEqual([{ one: 1 }])
    expect(closed).toBe(false)
    work.end()
    await closing
    await other.close()
    await expect(runWithTenant(context(a), () => other.pool.query('select 1'))).rejects.toMatchObject({
      code: 'PARTYWALL_CLOSED',
    })
  })

  it('has functions that may be taken out and handed on', async () => {
    const { verifyToken, exportContext, importContext, runAcrossTenants } = wall
    const token = await verifyToken(await issuer.sign({ claims: { org_id: a.key } }))
    expect(token.tenantClaim).toBe(a.key)
    const envelope = await runWithTenant(context(a), () => exportContext({ audience: 'q', expiresIn: 60 }))
    expect((await importContext(envelope, { audience: 'q' })).tenantId).toBe(a.id)
    expect(await runAcrossTenants({ actor: 'x', reason: 'y' }, () => 1)).toBe(1)
  })
})

describe('the package', () => {
  it('can be loaded by require: there is no top-level await', () => {
    const file = fileURLToPath(new URL('../../dist/src/index.js', import.meta.url))
    const run = spawnSync(process.execPath, ['-p', `typeof require(${JSON.stringify(file)}).createPartywall`], {
      encoding: 'utf8',
    })
    expect(run.stdout.trim()).toBe('function')
  })

  it('opens nothing when a wall is made: the process ends by itself', async () => {
    const issuer = await startIssuer()
    await issuer.close()
    const wall = createPartywall({
      database: { url: 'postgres://nobody@127.0.0.1:1/none' },
      auth: issuer.localOptions(),
      seal: { secret: 'x'.repeat(40) },
      logger: silentLogger,
    })
    await wall.close()
  })

  it('loads jose, zod, cockatiel and pg, and no other package', () => {
    // The build, as users load it; `pretest` makes it. Modules of ES kind go through the hook, those of pg through require.
    const hook = `import fs from 'node:fs'
      export async function load(url, context, next) { fs.writeSync(1, url + '\\n'); return next(url, context) }`
    const script = `
      import { createRequire, register } from 'node:module'
      register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook)}))
      await import(process.argv[1])
      for (const file of Object.keys(createRequire(import.meta.url).cache)) console.log(file)
    `
    const entry = new URL('../../dist/src/index.js', import.meta.url).href
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script, entry], { encoding: 'utf8' })
    expect(run.stderr).toBe('')
    const packages = run.stdout.split('\n').map((line) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(line)?.[1])
    const names = [...new Set(packages.filter((name) => name !== undefined))]
    const allowed = new Set([
      'jose',
      'zod',
      'cockatiel',
      'pg',
      'pg-cloudflare',
      'pg-connection-string',
      'pg-int8',
      'pg-pool',
      'pg-protocol',
      'pg-types',
      'pgpass',
      'postgres-array',
      'postgres-bytea',
      'postgres-date',
      'postgres-interval',
      'split2',
      'xtend',
    ])
    expect(names).toEqual(expect.arrayContaining(['jose', 'zod', 'cockatiel', 'pg']))
    expect(names.filter((name) => !allowed.has(name))).toEqual([])
  })
})
