import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { createPartywall } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestDatabase } from '../setup/database.ts'
import { startIssuer } from '../setup/issuer.ts'
import { TcpProxy } from '../setup/tcp-proxy.ts'
import { createTestWall } from '../setup/wall.ts'
import { createWatched, refused } from '../setup/watched.ts'

// An interval so long that only what the test does can make the watch look.
const never = { intervalMs: 2_000_000_000 }
const patience = { timeout: 15_000, interval: 25 }
const disable = 'alter table public.documents disable row level security'

describe('the moments at which the protection is compared', () => {
  it('are each set-up of a connection', async () => {
    const { wall, database, a } = await createWatched({ protectionWatch: never }, async (made) => ({
      // Each statement gets a connection of its own.
      database: { url: made.appUrl, max: 1, maxUses: 1 },
    }))
    await database.admin(disable)
    const asked = runWithTenant({ tenantId: a.id, userId: a.userId }, () =>
      wall.pool.query('select title from public.documents'),
    )
    await expect(asked).rejects.toMatchObject(refused)
  })

  it('begin with ready(): before, nothing is compared', async () => {
    const database = await createTestDatabase()
    const tenant = await createTestTenant(database)
    const { wall } = await createTestWall(database, { protectionWatch: { intervalMs: 100 } })
    const events: string[] = []
    wall.events.on('PROTECTION_CHANGED', (event) => events.push(event.reason))
    await database.admin(disable)
    const read = () =>
      runWithTenant({ tenantId: tenant.id, userId: tenant.userId }, () =>
        wall.pool.query('select title from public.documents'),
      )
    expect((await read()).rows).toHaveLength(1)
    await expect(wall.ready()).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
    expect(events).toEqual([])
  })

  it('leave no gap between the checks of ready() and what it records', async () => {
    const database = await createTestDatabase()
    let changed = false
    const { wall } = await createTestWall(database, {
      protectionWatch: never,
      // Readiness asks the limiter, too; the change happens while it does.
      telemetry: undefined,
      tenants: {
        async findByClaim() {
          return undefined
        },
      },
    })
    const verifierReady = wall.verifier.ready
    Object.defineProperty(wall.verifier, 'ready', {
      async value() {
        await verifierReady()
        if (!changed) {
          changed = true
          // Long enough for the database's own checks to be over.
          await database.admin('select pg_sleep(0.3)')
          await database.admin(disable)
        }
      },
    })
    await expect(wall.ready()).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
    expect(changed).toBe(true)
  })
})

describe('a watch that can not see', () => {
  it('counts three missed comparisons as lost, and goes on when it sees again', async () => {
    let proxy: Awaited<ReturnType<typeof TcpProxy.start>> | undefined
    const watched = await createWatched({}, async (made) => {
      proxy = await TcpProxy.start(made.appUrl)
      return { database: { url: proxy.url, max: 2 } }
    })
    if (proxy === undefined) throw new Error('the proxy was not started')
    proxy.refuseNew = true
    proxy.cut()
    await expect
      .poll(() => watched.told.at(-1), patience)
      .toMatchObject({ type: 'PROTECTION_CHANGED', reason: 'unwatched' })
    await expect(watched.titles()).rejects.toMatchObject(refused)
    proxy.refuseNew = false
    await watched.back()
    expect(watched.told.at(-1)).toEqual({ type: 'PROTECTION_RESTORED' })
  })

  it('is not stopped by a tenant that holds every connection of the pool', async () => {
    const watched = await createWatched({}, async (made) => ({ database: { url: made.appUrl, max: 2 } }))
    const { wall, a, database } = watched
    const held = await Promise.all(
      [1, 2].map(() => runWithTenant({ tenantId: a.id, userId: a.userId }, () => wall.pool.connect())),
    )
    try {
      await database.admin(disable)
      await expect.poll(() => watched.told.length, patience).toBe(1)
      for (const client of held) {
        const asked = runWithTenant({ tenantId: a.id, userId: a.userId }, () => client.query('select 1'))
        await expect(asked).rejects.toMatchObject(refused)
      }
    } finally {
      for (const client of held) client.release()
    }
    await database.admin('alter table public.documents enable row level security')
    await watched.back()
  })

  it('keeps its connection while a tenant takes all that the login may have, and refuses when it loses it', async () => {
    const login = `limited_${process.pid}`
    const watched = await createWatched({}, async (made) => {
      await made.admin(`create role ${login} login password 'limited' noinherit connection limit 4;
        grant tenant_user to ${login} with inherit false, set true; grant tenant_admin to ${login} with inherit false, set true;
        grant connect on database ${made.name} to ${login}`)
      const url = new URL(made.appUrl)
      url.username = login
      url.password = 'limited'
      return {
        audit: false,
        tenants: { listenUrl: false },
        database: { url: url.href, max: 4, perTenantConnections: 4, connectionTimeoutMillis: 2_000 },
      }
    })
    const { wall, a, database } = watched
    const hold = () => runWithTenant({ tenantId: a.id, userId: a.userId }, () => wall.pool.connect())
    const held = [await hold(), await hold()]
    try {
      // An injected statement may end backends of its own login, the watch's among them.
      const end = () =>
        database.admin(
          "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and application_name = 'partywall protection watch' and datname = current_database()",
          [login],
        )
      const take = () =>
        hold().then(
          (client) => held.push(client),
          () => 0,
        )
      await expect
        .poll(async () => {
          await end()
          await Promise.all([take(), take()])
          return watched.told.at(-1)
        }, patience)
        .toMatchObject({ type: 'PROTECTION_CHANGED', reason: 'unwatched' })
      await expect(watched.titles()).rejects.toMatchObject(refused)
    } finally {
      for (const client of held) client.release(true)
    }
    await watched.back()
    await wall.close()
    await database.admin(`drop owned by ${login}`)
    await database.admin(`drop role ${login}`)
  })

  it('waits for no lock of a migration that rewrites a table', async () => {
    const watched = await createWatched()
    const { database } = watched
    await database.admin('select 1')
    const migration = database.admin(
      'begin; lock table public.projects in access exclusive mode; select pg_sleep(1.5); commit',
    )
    await migration
    expect(watched.told).toEqual([])
    expect(await watched.titles()).toEqual(['First document'])
  })
})

describe('what a lost protection stops', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase()
  })

  it('is nothing in report mode, which tells all the same', async () => {
    const watched = await createWatched({ protectionWatch: { intervalMs: 100, onProtectionLost: 'report' } })
    await watched.database.admin(disable)
    await expect
      .poll(() => watched.told.at(-1), patience)
      .toMatchObject({ type: 'PROTECTION_CHANGED', objects: ['documents'] })
    // Work goes on, and sees the rows of both tenants.
    expect(await watched.titles()).toHaveLength(2)
  })

  it('is requests, crossings, visits and envelopes, and not ready()', async () => {
    const watched = await createWatched()
    await watched.database.admin(disable)
    await watched.lost('documents')
    const { wall, a } = watched
    await expect(wall.admit({ token: 'x', requestId: 'request-1', hints: [] })).rejects.toMatchObject(refused)
    await expect(wall.runAcrossTenants({ reason: 'a report', actor: 'staff' }, () => 1)).rejects.toMatchObject(refused)
    await expect(
      wall.actAs({ tenantId: a.id, reason: 'a visit', actor: 'staff', expiresIn: '5m' }, () => 1),
    ).rejects.toMatchObject(refused)
    await expect(wall.importContext('x', { audience: 'jobs' })).rejects.toMatchObject(refused)
    await expect(wall.ready()).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
    await watched.database.admin('alter table public.documents enable row level security')
    await wall.ready()
    await watched.back()
  })

  it('is told once for one loss, and again when more is lost', async () => {
    const watched = await createWatched()
    await watched.database.admin(disable)
    await watched.lost('documents')
    await watched.database.admin('alter table public.projects disable row level security')
    await watched.lost('projects')
    expect(watched.told).toHaveLength(2)
  })

  it('is refused as a setting where it is no number or of another kind', async () => {
    const issuer = await startIssuer()
    const make = (protectionWatch: object) =>
      createPartywall({
        database: { url: database.appUrl },
        auth: issuer.localOptions(),
        seal: { secret: database.sealSecret },
        logger: silentLogger,
        protectionWatch,
      })
    expect(() => make({ intervalMs: 1 })).toThrow(/intervalMs/)
    expect(() => make({ onProtectionLost: 'ignore' })).toThrow(/onProtectionLost/)
    await issuer.close()
  })
})
