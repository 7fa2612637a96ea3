import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TokenVerifier } from '../../src/auth/credential-verifier.ts'
import { createTokenVerifier } from '../../src/auth/jwt.ts'
import type { PresetName } from '../../src/auth/presets/all.ts'
import { startIssuer, type TestIssuer } from '../setup/issuer.ts'

let idp: TestIssuer
beforeAll(async () => {
  idp = await startIssuer()
})
afterAll(() => idp.close())

const LIFE = 300
const times = () => {
  const iat = Math.floor(Date.now() / 1000)
  return { iat, exp: iat + LIFE }
}

/** Signs exactly these claims: no audience and no tenant of the issuer's defaults. */
function sign(claims: object, typ = 'JWT'): Promise<string> {
  return idp.sign({
    claims: { iss: idp.issuer, ...times(), ...claims },
    header: { typ },
    without: ['aud', 'org_id', 'roles', 'jti'].filter((name) => !Object.hasOwn(claims, name)),
  })
}

function verifierFor(preset: PresetName, extra: object = {}): TokenVerifier {
  const { issuer, algorithms, keys } = idp.localOptions()
  return createTokenVerifier({ issuer, algorithms, keys, preset, ...extra })
}

const refused = (reason: string) => ({ code: 'PARTYWALL_AUTHENTICATION', details: { reason } })

describe('preset clerk-v2', () => {
  const fixture = {
    azp: 'https://app.example',
    fva: [7, -1],
    nbf: times().iat - 10,
    sid: 'sess_123',
    sub: 'user_123',
    v: 2,
    sts: 'active',
    fea: 'o:dashboard,o:teams,u:profile',
    pla: 'o:pro',
    o: { id: 'org_123', slg: 'org-slug', rol: 'admin', per: 'manage,read', fpm: '3,2' },
  }
  const verify = async (claims: object) =>
    verifierFor('clerk-v2', { authorizedParty: 'https://app.example' }).verifyToken(await sign(claims))

  it('reads the organisation, its role and its folded permissions', async () => {
    expect(await verify(fixture)).toMatchObject({
      tenantClaim: 'org_123',
      userId: 'user_123',
      roles: ['admin'],
      permissions: ['org:dashboard:manage', 'org:dashboard:read', 'org:teams:read'],
    })
  })

  it('gives no permissions to a member who has none', async () => {
    expect((await verify({ ...fixture, o: { ...fixture.o, per: '', fpm: '' } })).permissions).toEqual([])
    expect((await verify({ ...fixture, o: { ...fixture.o, fpm: '0,0' } })).permissions).toEqual([])
  })

  it('says nothing of permissions where the token does not', async () => {
    const { per: _per, fpm: _fpm, ...rest } = fixture.o
    expect((await verify({ ...fixture, o: rest })).permissions).toBeUndefined()
  })

  it('unfolds more permissions than a number has bits', async () => {
    const per = Array.from({ length: 60 }, (_, n) => `p${n}`).join(',')
    const o = { ...fixture.o, per, fpm: `${2n ** 59n + 1n},0` }
    expect((await verify({ ...fixture, o })).permissions).toEqual(['org:dashboard:p0', 'org:dashboard:p59'])
  })

  it.each([
    ['a pending session', { sts: 'pending' }, 'session-inactive'],
    ['version 1', { v: undefined }, 'token-type'],
    ['another origin', { azp: 'https://evil.example' }, 'audience'],
    ['no organisation', { o: undefined }, 'tenant-missing'],
    ['an organisation of version 1 that is another', { org_id: 'org_456' }, 'tenant-ambiguous'],
    ['masks for more features than there are', { o: { ...fixture.o, fpm: '3,2,1' } }, 'claim-invalid'],
    ['a mask beyond the permissions', { o: { ...fixture.o, fpm: '4,0' } }, 'claim-invalid'],
    ['a mask that is no number', { o: { ...fixture.o, fpm: 'x' } }, 'claim-invalid'],
  ])('refuses %s', async (_, change, reason) => {
    await expect(verify({ ...fixture, ...change })).rejects.toMatchObject(refused(reason))
  })

  it('writes down who impersonates', async () => {
    const act = { iss: 'https://dashboard.clerk.com', sid: 'sess_9', sub: 'user_staff' }
    expect((await verify({ ...fixture, act })).actor).toEqual({ id: 'user_staff', type: 'staff' })
  })
})

describe('preset clerk-v1', () => {
  const fixture = {
    azp: 'https://app.example',
    sid: 'sess_123',
    sub: 'user_123',
    org_id: 'org_123',
    org_slug: 'org-slug',
    org_role: 'org:admin',
    org_permissions: ['org:dashboard:manage', 'org:teams:read'],
  }
  const verify = async (claims: object) =>
    verifierFor('clerk-v1', { authorizedParty: ['https://app.example'] }).verifyToken(await sign(claims))

  it('reads the organisation, its role and its permissions', async () => {
    expect(await verify(fixture)).toMatchObject({
      tenantClaim: 'org_123',
      userId: 'user_123',
      roles: ['org:admin'],
      permissions: ['org:dashboard:manage', 'org:teams:read'],
    })
  })

  it.each([
    ['a token of version 2', { v: 2, o: { id: 'org_123' } }, 'token-type'],
    ['an organisation of version 2 beside its own', { o: { id: 'org_456' } }, 'token-type'],
    ['a pending session', { sts: 'pending' }, 'session-inactive'],
    ['no organisation', { org_id: undefined }, 'tenant-missing'],
  ])('refuses %s', async (_, change, reason) => {
    await expect(verify({ ...fixture, ...change })).rejects.toMatchObject(refused(reason))
  })
})

describe('preset workos', () => {
  const fixture = {
    sub: 'user_01HBEQKA6K4QJAS93VPE39W1JT',
    act: { sub: 'admin@foocorp.com' },
    org_id: 'org_01HRDMC6CM357W30QMHMQ96Q0S',
    role: 'member',
    roles: ['member'],
    permissions: ['posts:read', 'posts:write'],
    entitlements: ['audit-logs'],
    sid: 'session_01HQSXZGF8FHF7A9ZZFCW4387R',
    jti: '01HQSXZXPPFPKMDD32RKTFY6PV',
  }

  it('reads the organisation, roles, permissions and the impersonator', async () => {
    const { verifyToken } = verifierFor('workos', { keysAreForThisServiceOnly: true })
    expect(await verifyToken(await sign(fixture))).toMatchObject({
      tenantClaim: 'org_01HRDMC6CM357W30QMHMQ96Q0S',
      userId: 'user_01HBEQKA6K4QJAS93VPE39W1JT',
      roles: ['member'],
      permissions: ['posts:read', 'posts:write'],
      actor: { id: 'admin@foocorp.com', type: 'staff' },
      tokenId: '01HQSXZXPPFPKMDD32RKTFY6PV',
    })
  })

  it('asks for the client where it is configured', async () => {
    const { verifyToken } = verifierFor('workos', { clientId: 'client_123' })
    expect((await verifyToken(await sign({ ...fixture, client_id: 'client_123' }))).roles).toEqual(['member'])
    await expect(verifyToken(await sign(fixture))).rejects.toMatchObject(refused('audience'))
  })

  it('refuses a token without an organisation', async () => {
    const { verifyToken } = verifierFor('workos', { keysAreForThisServiceOnly: true })
    await expect(verifyToken(await sign({ ...fixture, org_id: undefined }))).rejects.toMatchObject(
      refused('tenant-missing'),
    )
  })
})

describe('preset keycloak', () => {
  const fixture = {
    jti: 'onrtac:6f1f9e5e',
    aud: 'account',
    sub: '8f1b0c6e-2f0b-4a0e-9a55-0f4f3a1a7a11',
    typ: 'Bearer',
    azp: 'web',
    acr: '1',
    realm_access: { roles: ['offline_access', 'editor'] },
    resource_access: { web: { roles: ['publisher'] } },
    scope: 'openid organization:acme',
    organization: ['acme'],
  }
  const verify = async (claims: object, extra: object = {}) =>
    verifierFor('keycloak', { audience: 'account', authorizedParty: 'web', ...extra }).verifyToken(await sign(claims))

  it('reads the one organisation and the roles of the realm', async () => {
    expect(await verify(fixture)).toMatchObject({
      tenantClaim: 'acme',
      userId: fixture.sub,
      roles: ['offline_access', 'editor'],
      permissions: undefined,
    })
  })

  it('prefers the id of the organisation to its alias', async () => {
    const organization = { acme: { id: '42c3e46f-2477-44d7-a85b-d3b43f6b31fa' } }
    expect((await verify({ ...fixture, organization })).tenantClaim).toBe('42c3e46f-2477-44d7-a85b-d3b43f6b31fa')
    expect((await verify({ ...fixture, organization: { acme: {} } })).tenantClaim).toBe('acme')
  })

  it('takes the roles of a client where the options say so', async () => {
    const claims = { roles: ['resource_access', 'web', 'roles'] }
    expect((await verify(fixture, { tenantClaims: claims })).roles).toEqual(['publisher'])
  })

  it('accepts an access token with a nonce, as older servers sign it', async () => {
    expect((await verify({ ...fixture, nonce: 'n' })).tenantClaim).toBe('acme')
  })

  it.each([
    ['an ID token', { typ: 'ID' }, 'token-type'],
    ['a refresh token', { typ: 'Refresh' }, 'token-type'],
    ['a token without typ', { typ: undefined }, 'token-type'],
    ['several organisations', { organization: ['acme', 'globex'] }, 'tenant-ambiguous'],
    ['several organisations with ids', { organization: { a: { id: '1' }, b: { id: '2' } } }, 'tenant-ambiguous'],
    ['an empty list of organisations', { organization: [] }, 'tenant-missing'],
    ['no organisation', { organization: undefined }, 'tenant-missing'],
    ['an organisation whose id is no string', { organization: { acme: { id: 7 } } }, 'tenant-invalid'],
  ])('refuses %s', async (_, change, reason) => {
    await expect(verify({ ...fixture, ...change })).rejects.toMatchObject(refused(reason))
  })
})
