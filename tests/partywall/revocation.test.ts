// Two walls on one database stand for two processes: each has its own pool, listener and cache.
import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { runWithoutTenant, runWithTenant } from '../../src/context/run-with-tenant.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { SharedRevocations } from '../../src/partywall/revocation-parts.ts'
import { createPartywall, type Partywall, type PartywallConfig } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import type { TestIssuer } from '../setup/issuer.ts'
import { createTestWall } from '../setup/wall.ts'

describe('revocation in all processes', () => {
  let database: TestDatabase
  let tenant: TestTenant
  let here: Partywall
  let there: Partywall
  let issuer: TestIssuer
  let config: PartywallConfig
  beforeAll(async () => {
    database = await createTestDatabase()
    tenant = await createTestTenant(database)
    const first = await createTestWall(database)
    here = first.wall
    issuer = first.issuer
    config = {
      database: { url: database.appUrl, max: 4 },
      auth: issuer.localOptions(),
      seal: { secret: database.sealSecret },
      logger: silentLogger,
    }
    there = (await createTestWall(database, { auth: issuer.localOptions() })).wall
    await Promise.all([here.ready(), there.ready()])
    await vi.waitFor(() => expect(there.tenants.listening).toBe(true), { timeout: 20_000 })
  })

  const sign = (claims: Readonly<Record<string, unknown>> = {}) =>
    issuer.sign({ claims: { org_id: tenant.key, sub: tenant.userId, ...claims } })
  const admit = (wall: Partywall, token: string) => wall.admit({ token, requestId: 'r', hints: [] })
  const outcome = (wall: Partywall, token: string) =>
    admit(wall, token).then(
      () => 'admitted',
      (error: { details?: { reason?: string } }) => error.details?.reason ?? String(error),
    )
  const seconds = (back: number) => Math.floor(Date.now() / 1000) - back

  it('refuses a revoked token everywhere within a second, also from the cache', async () => {
    const token = await sign({ jti: 'one' })
    const other = await sign({ jti: 'another' })
    for (const wall of [here, there]) expect(await outcome(wall, token)).toBe('admitted')
    await here.revokeToken('one')
    expect(await outcome(here, token)).toBe('revoked')
    expect(here.verifier.peekCached(token)).toBeUndefined()
    await expect.poll(() => outcome(there, token), { timeout: 1_000, interval: 20 }).toBe('revoked')
    for (const wall of [here, there]) expect(await outcome(wall, other)).toBe('admitted')
  })

  it('refuses all tokens of a user that were issued until now, and lets the user log in again', async () => {
    const userId = 'user-who-lost-a-laptop'
    const old = [
      await sign({ sub: userId, jti: 'a' }),
      await sign({ sub: userId, iat: seconds(60), exp: seconds(-60) }),
    ]
    const neighbour = await sign()
    for (const token of old) expect(await outcome(there, token)).toBe('admitted')
    await here.revokeUser(userId)
    for (const token of old) {
      await expect.poll(() => outcome(there, token), { timeout: 1_000, interval: 20 }).toBe('revoked')
      expect(await outcome(here, token)).toBe('revoked')
    }
    expect(await outcome(there, neighbour)).toBe('admitted')
    const begun = seconds(0)
    await expect.poll(() => seconds(0), { timeout: 5_000 }).toBeGreaterThan(begun + 1)
    const fresh = await sign({ sub: userId })
    for (const wall of [here, there]) expect(await outcome(wall, fresh)).toBe('admitted')
  })

  it('is known to a process that starts later, before its first admission', async () => {
    const token = await sign({ jti: 'before the start' })
    await here.revokeToken('before the start')
    const late = createPartywall(config)
    try {
      expect(await outcome(late, token)).toBe('revoked')
    } finally {
      await late.close()
    }
  })

  it('reaches a process that hears no notifications, by reading again', async () => {
    const deaf = createPartywall({ ...config, tenants: { listenUrl: false } })
    try {
      const token = await sign({ jti: 'unheard' })
      expect(await outcome(deaf, token)).toBe('admitted')
      await here.revokeToken('unheard')
      await expect.poll(() => outcome(deaf, token), { timeout: 15_000, interval: 100 }).toBe('revoked')
    } finally {
      await deaf.close()
    }
  })

  it('reaches a process whose directory is a function', async () => {
    const own = createPartywall({
      ...config,
      tenants: { findByClaim: async () => ({ id: tenant.id, status: 'active', tier: 'free' }) },
    })
    try {
      await own.ready()
      const token = await sign({ jti: 'own directory' })
      expect(await outcome(own, token)).toBe('admitted')
      await here.revokeToken('own directory')
      await expect.poll(() => outcome(own, token), { timeout: 10_000, interval: 20 }).toBe('revoked')
    } finally {
      await own.close()
    }
  })

  it('stops the running requests of a revoked token, and no others', async () => {
    const token = await sign({ jti: 'running' })
    const request = (text: string) => new Request('http://x/', { headers: { authorization: `Bearer ${text}` } })
    const finish: (() => void)[] = []
    const held = () =>
      new Promise<Response>((resolve) => {
        finish.push(() => resolve(new Response('done')))
      })
    const stopped = there.handle(request(token), {}, held)
    const goesOn = there.handle(request(await sign()), {}, held)
    await expect.poll(() => finish.length, { timeout: 10_000 }).toBe(2)
    await here.revokeToken('running')
    const refused = await stopped
    expect(refused.status).toBe(401)
    expect(await refused.json()).toMatchObject({ code: 'PARTYWALL_AUTHENTICATION' })
    for (const each of finish) each()
    expect(await (await goesOn).text()).toBe('done')
  })

  it('refuses the statements of a request whose token was revoked while it ran', async () => {
    const token = await sign({ jti: 'writing' })
    const request = new Request('http://x/', { method: 'POST', headers: { authorization: `Bearer ${token}` } })
    let late: unknown
    const answered = there.handle(request, {}, async () => {
      await here.revokeToken('writing')
      await expect.poll(() => outcome(there, token), { timeout: 5_000, interval: 20 }).toBe('revoked')
      late = await there.pool.query('select 1').then(String, (error: unknown) => error)
      return new Response('written')
    })
    expect((await answered).status).toBe(401)
    await expect.poll(() => late, { timeout: 5_000 }).toMatchObject({ code: 'PARTYWALL_AUTHENTICATION' })
  })

  it('lets injected SQL neither revoke nor list nor forge', async () => {
    const token = await sign({ jti: 'attacked' })
    expect(await outcome(there, token)).toBe('admitted')
    const inTenant = (text: string) =>
      runWithTenant({ tenantId: tenant.id, userId: tenant.userId, roles: ['owner'] }, () => here.pool.query(text))
    for (const text of [
      "select partywall.revoke_credentials(array[decode(repeat('ab', 32), 'hex')], 60)",
      'select * from partywall.revoked_credentials()',
      'select * from partywall.revocations',
      "insert into partywall.revocations values (decode(repeat('ab', 32), 'hex'), now(), now())",
      // The setting is emptied first, to look like the application's own empty context.
      "select * from partywall.revoked_credentials() where set_config('app.tenant_seal', '', true) = '' and set_config('app.current_tenant_id', '', true) = ''",
    ])
      await expect(inTenant(text)).rejects.toMatchObject({ code: '42501' })
    await here.revokeToken('a reason to read the list')
    const { rows } = await database.admin("select encode(hash, 'hex') as hash from partywall.revocations limit 1")
    // Known and unknown hashes, texts that are none, and a flood.
    await inTenant(
      `select pg_notify('partywall_revocations', h) from unnest(array['${rows[0].hash}', repeat('cd', 32), 'x', repeat('g', 64)]) as h`,
    )
    await inTenant(
      "select count(pg_notify('partywall_revocations', encode(sha256(n::text::bytea), 'hex'))) from generate_series(1, 5000) as n",
    )
    expect(await outcome(there, token)).toBe('admitted')
    await here.revokeToken('attacked')
    await expect.poll(() => outcome(there, token), { timeout: 10_000, interval: 20 }).toBe('revoked')
  })

  it('keeps hashes that need the application’s secret', async () => {
    await here.revokeToken('guessable')
    const { rows } = await database.admin("select encode(hash, 'hex') as hash from partywall.revocations")
    const guesses = await database.admin(
      "select encode(sha256(convert_to(t, 'UTF8')), 'hex') as hash from unnest(array['guessable', 'token|guessable', 'tokenguessable']) as t",
    )
    const known = new Set(rows.map(({ hash }) => hash))
    for (const { hash } of guesses.rows) expect(known.has(hash)).toBe(false)
  })

  it('says what it needs', async () => {
    await expect(here.revokeToken('')).rejects.toThrow('must be a string that is not empty')
    const unsealed = createPartywall({ ...config, seal: false })
    await expect(unsealed.revokeUser('u')).rejects.toThrow('needs seal.secret')
    await unsealed.close()
  })

  it('works with a database of the release before, and says what revocation lacks there', async () => {
    const older = await createTestDatabase()
    await older.admin(
      'drop function partywall.revoke_credentials(bytea[], integer), partywall.revoked_credentials(bytea[])',
    )
    const member = await createTestTenant(older)
    const wall = createPartywall({ ...config, database: { url: older.appUrl } })
    try {
      expect(await outcome(wall, await sign({ org_id: member.key, sub: member.userId }))).toBe('admitted')
      await expect(wall.revokeToken('x')).rejects.toThrow('npx partywall migrate')
    } finally {
      await wall.close()
    }
  })

  it('answers the application outside of tenants alone', async () => {
    const { rows } = await runWithoutTenant(() =>
      here.pool.query('select count(*)::int as n from partywall.revoked_credentials()'),
    )
    expect(rows[0].n).toBeGreaterThan(0)
  })

  describe('a reading of the list that began before a revocation', () => {
    const keys = [randomBytes(32)]
    /** Revocations on the real pool. The answer to the first reading of the whole list is held until `release()`. */
    function heldRevocations() {
      let release = () => {}
      const held = new Promise<void>((resolve) => {
        release = resolve
      })
      let readings = 0
      const pool = {
        async query(text: string, values: readonly unknown[]) {
          const answer = await here.pool.query(text, [...values])
          if (text.includes('revoked_credentials()') && readings++ === 0) await held
          return answer
        },
      }
      const made = () =>
        new SharedRevocations({ pool, keys: async () => keys, keepMs: () => 60_000, logger: silentLogger })
      return { slow: made(), other: made(), release, readings: () => readings }
    }
    const token = (tokenId: string) => ({ tokenId, userId: 'u', issuedAt: 0 })

    it('does not take away what was notified meanwhile', async () => {
      const { slow, other, release, readings } = heldRevocations()
      const loading = slow.ready()
      await expect.poll(readings, { timeout: 10_000 }).toBe(1)
      await other.revoke('token', 'meanwhile')
      const { rows } = await database.admin("select encode(hash, 'hex') as hash from partywall.revocations")
      slow.notified(new Set(rows.map(({ hash }) => hash)))
      await expect.poll(() => slow.has(token('meanwhile')), { timeout: 10_000 }).toBe(true)
      release()
      await loading
      expect(slow.has(token('meanwhile'))).toBe(true)
      for (const each of [slow, other]) each.close()
    })

    it('is followed by another one when a flood of notifications hides the revocation', async () => {
      const { slow, other, release, readings } = heldRevocations()
      slow.heard()
      await expect.poll(readings, { timeout: 10_000 }).toBe(1)
      await other.revoke('token', 'in the flood')
      const { rows } = await database.admin("select encode(hash, 'hex') as hash from partywall.revocations")
      const flood = Array.from({ length: 1_001 }, (_, n) => n.toString(16).padStart(64, '0'))
      // Twice: the second one must not be forgotten because a reading is already to follow.
      for (let times = 0; times < 2; times += 1)
        slow.notified(new Set([...flood, ...rows.map(({ hash }) => String(hash))]))
      release()
      await expect.poll(() => slow.has(token('in the flood')), { timeout: 4_000 }).toBe(true)
      expect(readings()).toBe(2)
      for (const each of [slow, other]) each.close()
    })

    it('is followed by another one when the channel begins to work', async () => {
      const { slow, other, release, readings } = heldRevocations()
      const loading = slow.ready()
      await expect.poll(readings, { timeout: 10_000 }).toBe(1)
      await other.revoke('token', 'before the channel')
      slow.heard()
      release()
      await loading
      await expect.poll(() => slow.has(token('before the channel')), { timeout: 4_000 }).toBe(true)
      for (const each of [slow, other]) each.close()
    })
  })
})
