import { createHash, randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { createTokenVerifier } from '../../src/auth/index.ts'
import type { OwnPrincipal, OwnVerifierOptions } from '../../src/auth/own-verifier.ts'
import { getCurrentTenant, runWithoutTenant, runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { SecurityEvent } from '../../src/events/security-events.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { createPartywall, type Partywall } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { startIssuer } from '../setup/issuer.ts'
import { createTestWall } from '../setup/wall.ts'

describe('auth: { verify }', () => {
  let database: TestDatabase
  let tenant: TestTenant
  beforeAll(async () => {
    database = await createTestDatabase()
    tenant = await createTestTenant(database)
  })

  async function wallWith(auth: OwnVerifierOptions): Promise<{ wall: Partywall; events: SecurityEvent[] }> {
    const { wall } = await createTestWall(database, { auth })
    const events: SecurityEvent[] = []
    wall.events.on('*', (event) => events.push(event))
    return { wall, events }
  }
  const admit = (wall: Partywall, token: unknown, refuseBlocked = false) =>
    wall.admit({ token, requestId: 'r', clientAddress: '192.0.2.1', hints: [], refuseBlocked })
  const principal = (changes: Partial<OwnPrincipal> = {}): OwnPrincipal => ({
    tenant: tenant.key,
    userId: tenant.userId,
    roles: ['owner'],
    ...changes,
  })

  it('makes the context from what the function returns, and from nothing else', async () => {
    const expiresAt = new Date(Date.now() + 60_000)
    const { wall } = await wallWith({
      verify: (credential) =>
        credential === 'pk_good'
          ? principal({ actor: 'staff-1', expiresAt, permissions: ['documents:read'] })
          : undefined,
    })
    expect(await admit(wall, 'pk_good')).toEqual({
      tenantId: tenant.id,
      userId: tenant.userId,
      roles: ['owner'],
      permissions: ['documents:read'],
      tier: 'free',
      requestId: 'r',
      actor: { id: 'staff-1', type: 'staff' },
      expiresAt: expiresAt.getTime(),
    })
  })

  it('looks up opaque sessions by their hash in the application’s own database', async () => {
    await database.admin(`create table sessions (token_hash bytea primary key, user_id uuid not null, tenant_key text not null, ends_at timestamptz not null);
      grant select on sessions to tenant_user`)
    const secret = randomBytes(24).toString('base64url')
    const hashOf = (text: string) => createHash('sha256').update(text).digest()
    await database.admin("insert into sessions values ($1, $2, $3, now() + interval '1 hour')", [
      hashOf(secret),
      tenant.userId,
      tenant.key,
    ])
    const { wall } = await wallWith({
      verify: async (credential) => {
        const { rows } = await runWithoutTenant(() =>
          wall.pool.query(
            'select user_id, tenant_key, ends_at from sessions where token_hash = $1 and ends_at > now()',
            [hashOf(credential)],
          ),
        )
        const [session] = rows
        return session && { tenant: session.tenant_key, userId: session.user_id, expiresAt: session.ends_at }
      },
    })
    expect(await admit(wall, secret)).toMatchObject({ tenantId: tenant.id, userId: tenant.userId, roles: [] })
    await expect(admit(wall, `${secret}x`)).rejects.toMatchObject({ details: { reason: 'not-recognised' } })
  })

  it('takes API keys beside JWTs', async () => {
    const issuer = await startIssuer()
    const jwt = createTokenVerifier({ ...issuer.localOptions(), logger: silentLogger })
    const { wall } = await wallWith({
      async verify(credential) {
        if (credential.startsWith('pk_')) return credential === 'pk_good' ? principal() : undefined
        const { tenantClaim, userId, roles, expiresAt } = await jwt.verifyToken(credential)
        return { tenant: tenantClaim, userId, roles, expiresAt: new Date(expiresAt) }
      },
    })
    expect(await admit(wall, 'pk_good')).toMatchObject({ roles: ['owner'] })
    const token = await issuer.sign({ claims: { org_id: tenant.key, sub: tenant.userId } })
    expect(await admit(wall, token)).toMatchObject({ roles: ['admin'] })
    const forged = `${token.slice(0, token.lastIndexOf('.'))}.${'A'.repeat(86)}`
    await expect(admit(wall, forged)).rejects.toMatchObject({ details: { reason: 'signature' } })
    await issuer.close()
  })

  it.each<[string, unknown, string]>([
    ['undefined', undefined, 'not-recognised'],
    ['null', null, 'not-recognised'],
    ['false', false, 'not-recognised'],
    ['true', true, 'claim-invalid'],
    ['a string', 'acme', 'claim-invalid'],
    ['a list of principals', [{ tenant: 'a', userId: 'u' }], 'claim-invalid'],
    ['no tenant', { userId: 'u' }, 'tenant-missing'],
    ['a tenant that is null', { tenant: null, userId: 'u' }, 'tenant-missing'],
    ['two tenants', { tenant: ['a', 'b'], userId: 'u' }, 'tenant-invalid'],
    ['a list of one tenant', { tenant: ['a'], userId: 'u' }, 'tenant-invalid'],
    ['a tenant as a number', { tenant: 7, userId: 'u' }, 'tenant-invalid'],
    ['a tenant with a look-alike letter', { tenant: 'аcme', userId: 'u' }, 'tenant-invalid'],
    ['a tenant with a line break', { tenant: 'acme\n', userId: 'u' }, 'tenant-invalid'],
    ['an empty tenant', { tenant: '', userId: 'u' }, 'tenant-invalid'],
    ['a second name for the tenant', { tenant: 'a', tenantId: 'b', userId: 'u' }, 'claim-invalid'],
    ['no user', { tenant: 'a' }, 'claim-missing'],
    ['an empty user', { tenant: 'a', userId: '' }, 'claim-invalid'],
    ['roles that are numbers', { tenant: 'a', userId: 'u', roles: [1] }, 'claim-invalid'],
    ['an actor that names nobody', { tenant: 'a', userId: 'u', actor: '' }, 'claim-invalid'],
    ['a moment as a string', { tenant: 'a', userId: 'u', expiresAt: '2099-01-01' }, 'claim-invalid'],
    ['a moment that is none', { tenant: 'a', userId: 'u', expiresAt: new Date('x') }, 'claim-invalid'],
    ['a moment that has passed', { tenant: 'a', userId: 'u', expiresAt: new Date(0) }, 'expired'],
    ['claims that are no object', { tenant: 'a', userId: 'u', claims: 'x' }, 'claim-invalid'],
    ['a tenant that it inherits', Object.create({ tenant: 'a', userId: 'u' }), 'tenant-missing'],
  ])('refuses %s', async (_what, answer, reason) => {
    const { wall, events } = await wallWith({ verify: () => answer as OwnPrincipal })
    await expect(admit(wall, 'pk_x')).rejects.toMatchObject({
      code: 'PARTYWALL_AUTHENTICATION',
      details: { reason },
    })
    expect(events).toContainEqual(expect.objectContaining({ type: 'AUTHENTICATION_FAILED', reason }))
    expect(JSON.stringify(events)).not.toContain('pk_x')
  })

  it.each([
    ['none', undefined, 'missing'],
    ['an empty one', '', 'missing'],
    ['a line break in it', 'pk_a\nb', 'malformed'],
    ['a letter beyond ASCII', 'pk_ä', 'malformed'],
    ['a long one', 'x'.repeat(8_193), 'too-large'],
  ])('asks nobody about a credential with a wrong form: %s', async (_what, credential, reason) => {
    let asked = 0
    const { wall } = await wallWith({
      verify: () => {
        asked++
        return principal()
      },
    })
    await expect(admit(wall, credential)).rejects.toMatchObject({ details: { reason } })
    expect(asked).toBe(0)
  })

  it('answers 503 and tells nothing of the credential where the function throws or is late', async () => {
    const throwing = await wallWith({
      verify: (credential) => {
        throw new TypeError(`no session ${credential}`)
      },
    })
    const error = await admit(throwing.wall, 'pk_secret').catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE', details: { dependency: 'auth.verify' } })
    expect(String(error)).toContain('threw TypeError')
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('pk_secret')
    let aborted = false
    const late = await wallWith({
      verifyTimeoutMs: 30,
      verify: (_credential, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            aborted = true
            resolve(principal())
          })
        }),
    })
    await expect(admit(late.wall, 'pk_x')).rejects.toMatchObject({ code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE' })
    expect(aborted).toBe(true)
  })

  it('asks once while a credential is cached, and shares nothing that a request can change', async () => {
    let asked = 0
    const answer = { ...principal(), claims: { plan: { seats: 1 } } }
    const { wall } = await wallWith({
      verify: () => {
        asked++
        return answer
      },
      authorize: ({ claims }) => Object.isFrozen(claims) && Object.isFrozen(claims['plan']),
    })
    const first = await admit(wall, 'pk_x')
    Object.assign(answer, { tenant: 'other' })
    answer.roles = ['nobody']
    expect(await admit(wall, 'pk_x')).toEqual(first)
    expect(asked).toBe(1)
    const { wall: without } = await wallWith({
      cache: { maxEntries: 0 },
      verify: () => {
        asked++
        return principal()
      },
    })
    await admit(without, 'pk_x')
    await admit(without, 'pk_x')
    expect(asked).toBe(3)
  })

  it('asks authorize for each request, and refuses an ended membership', async () => {
    let member = true
    const { wall } = await wallWith({ verify: () => principal(), authorize: () => member })
    await admit(wall, 'pk_x')
    member = false
    await expect(admit(wall, 'pk_x')).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_INACTIVE' })
  })

  it('counts credentials that are not recognised, as tokens that do not verify', async () => {
    const { wall } = await createTestWall(database, {
      auth: { verify: () => undefined },
      failedTokens: { failuresPerMinute: 3, burstSize: 3 },
    })
    const codes = new Set<string>()
    for (let count = 0; count < 200 && codes.size < 2; count++)
      codes.add(await admit(wall, `pk_${count}`).then(String, (error: { code: string }) => error.code))
    expect([...codes]).toEqual(['PARTYWALL_AUTHENTICATION', 'PARTYWALL_RATE_LIMIT_EXCEEDED'])
  })

  it('runs the function outside every tenant’s context', async () => {
    let seen: unknown = 'nothing'
    const { wall } = await wallWith({
      verify: () => {
        try {
          seen = getCurrentTenant()
        } catch (error) {
          seen = error
        }
        return principal()
      },
    })
    const context = await admit(wall, 'pk_a')
    // As a connection that is kept alive may leave it.
    const inside = await runWithTenant({ tenantId: 'other', userId: 'u' }, () => admit(wall, 'pk_b'))
    expect(inside.tenantId).toBe(context.tenantId)
    expect(seen).toMatchObject({ code: 'PARTYWALL_CONTEXT_MISSING' })
  })

  it('names what is wrong with the options', () => {
    const make = (auth: unknown) => () =>
      createPartywall({
        database: { url: database.appUrl },
        seal: { secret: database.sealSecret },
        auth: auth as never,
      })
    expect(make({ verify: 'no function' })).toThrow('verify: must be a function')
    expect(make({ verify: () => undefined, issuer: 'https://idp.example' })).toThrow('issuer')
    expect(make({ verify: () => undefined, cache: { ttlMs: 3_600_000 } })).toThrow('ttlMs')
  })
})
