import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTokenVerifier } from '../../src/auth/jwt.ts'
import { isPartywallError } from '../../src/errors.ts'
import { forgeHmac } from '../setup/forge-token.ts'
import { startIssuer, type TestIssuer } from '../setup/issuer.ts'

let idp: TestIssuer
beforeAll(async () => {
  idp = await startIssuer({ algorithms: ['ES256', 'RS256'] })
})
afterAll(() => idp.close())

/** What the configuration error says, or undefined where there is none. */
function problemsOf(options: object): readonly string[] | undefined {
  try {
    // Options that the compiler would refuse are the point here.
    Reflect.apply(createTokenVerifier, undefined, [options])
    return undefined
  } catch (error) {
    if (!isPartywallError(error) || error.code !== 'PARTYWALL_CONFIGURATION') throw error
    const { problems } = error.details
    return Array.isArray(problems) ? problems.map(String) : []
  }
}

const SECRET = 'a-secret-of-at-least-thirty-two-bytes'
const own = (change: object = {}) => ({ ...idp.localOptions(), ...change })
const hmac = (change: object = {}) => ({
  issuer: 'https://hs.example',
  keys: { secret: SECRET },
  algorithms: ['HS256'],
  audience: 'api',
  tenantClaims: { tenant: 'org_id' },
  ...change,
})

describe('createTokenVerifier(options)', () => {
  it('accepts one issuer written flat, and a map', () => {
    const { issuer, tenantClaims, ...rest } = idp.localOptions()
    expect(problemsOf(own())).toBeUndefined()
    expect(problemsOf({ issuers: { [issuer]: { ...rest, claims: tenantClaims } } })).toBeUndefined()
  })

  const refused: readonly [name: string, options: () => object, message: RegExp][] = [
    ['no issuer', () => ({ issuers: {} }), /at least one issuer/],
    ['no algorithms', () => own({ algorithms: [] }), /algorithms/],
    ['the algorithm none', () => own({ algorithms: ['none'] }), /algorithms/],
    ['no audience at all', () => own({ audience: undefined }), /audience/],
    ['no keys', () => own({ keys: {} }), /exactly one of/],
    ['two kinds of keys', () => own({ keys: { secret: SECRET, jwks: idp.jwks() } }), /exactly one of/],
    ['HS256 beside public keys', () => own({ algorithms: ['ES256', 'HS256'] }), /HS256/],
    ['ES256 beside a secret', () => hmac({ algorithms: ['HS256', 'ES256'] }), /keys\.secret/],
    ['a secret of 31 bytes', () => hmac({ keys: { secret: SECRET.slice(0, 31) } }), /at least 32 bytes/],
    ['a secret of 37 bytes for HS512', () => hmac({ algorithms: ['HS512'] }), /at least 64 bytes/],
    ['a PEM as a secret', () => hmac({ keys: { secret: idp.key('RS256').publicPem } }), /PEM is no secret/],
    ['a PEM that is none', () => own({ keys: { pem: 'hello' } }), /keys\.pem/],
    ['a private PEM', () => own({ keys: { pem: '-----BEGIN PRIVATE KEY-----\n' } }), /private key/],
    ['a key that fits no algorithm', () => own({ algorithms: ['ES384'] }), /ES384/],
    [
      'a symmetric key in a JWK Set',
      () => own({ keys: { jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } } }),
      /secret material/,
    ],
    ['plain http', () => own({ keys: { jwksUrl: 'http://idp.example/jwks' } }), /https/],
    ['a password in the URL', () => own({ keys: { jwksUrl: 'https://a:b@idp.example/jwks' } }), /password/],
    ['another protocol', () => own({ keys: { jwksUrl: 'file:///etc/jwks' } }), /https/],
    ['neither preset nor tenant claim', () => own({ tenantClaims: undefined }), /preset/],
    ['an unknown preset', () => own({ preset: 'auth0' }), /preset/],
    ['a dotted path with a URL', () => own({ tenantClaims: { tenant: 'https://x.example/org' } }), /list of names/],
    ['an unknown option', () => own({ audiences: ['x'] }), /audiences/],
    ['a tolerance of two minutes', () => own({ clockToleranceSeconds: 120 }), /clockToleranceSeconds/],
    ['a cache that keeps longer than a minute', () => own({ cache: { ttlMs: 61_000 } }), /ttlMs/],
    ['a tenant claim in user_metadata', () => own({ tenantClaims: { tenant: 'user_metadata.org' } }), /users can edit/],
    ['a tenant claim in a custom attribute', () => own({ tenantClaims: { tenant: 'custom:org' } }), /users can edit/],
    ['the email as tenant claim', () => own({ tenantClaims: { tenant: ['email'] } }), /users can edit/],
  ]
  it.each(refused)('refuses %s', (_, options, message) => {
    expect(problemsOf(options())?.join('\n')).toMatch(message)
  })

  it('lets a tenant claim that users can edit pass when told that they can not', () => {
    expect(
      problemsOf(own({ tenantClaims: { tenant: 'custom:org' }, allowUserEditableTenantClaim: true })),
    ).toBeUndefined()
  })

  it('wants the tenants of each issuer as soon as there are two', () => {
    const { issuer, tenantClaims, ...rest } = idp.localOptions()
    const one = { ...rest, claims: tenantClaims }
    const problems = problemsOf({ issuers: { [issuer]: { ...one, tenants: ['a'] }, 'https://b.example': one } })
    expect(problems).toHaveLength(1)
    expect(problems?.[0]).toMatch(/https:\/\/b\.example\.tenants/)
  })

  it('refuses one secret for two issuers', () => {
    const one = {
      keys: { secret: SECRET },
      algorithms: ['HS256'],
      audience: 'x',
      claims: { tenant: 't' },
      tenants: ['a'],
    }
    expect(problemsOf({ issuers: { a: one, b: one } })?.join()).toMatch(/same secret/)
  })

  it('names what an unset environment variable leaves behind, by the name it was written with', () => {
    const unset = { issuer: undefined, keys: { jwksUrl: undefined }, algorithms: ['ES256'], audience: undefined }
    expect(problemsOf({ ...unset, tenantClaims: { tenant: 'email' } })).toEqual([
      expect.stringMatching(/^issuer: /),
      expect.stringMatching(/^keys: jwksUrl is undefined; give exactly one of/),
      expect.stringMatching(/^audience: /),
      expect.stringMatching(/^tenantClaims: tenantClaims\.tenant is a claim that users can edit/),
    ])
  })

  it('names all problems at once, and no value of a secret', () => {
    const problems = problemsOf(own({ audience: undefined, algorithms: ['HS256'], tenantClaims: { tenant: 'email' } }))
    expect(problems).toHaveLength(3)
    const mixed = {
      audience: 5,
      tokenUse: 'x',
      algorithms: ['HS256'],
      tenantClaims: { tenant: 'email' },
      cache: { ttlMs: 'x' },
    }
    expect(problemsOf(own(mixed))).toHaveLength(5)
    expect(problemsOf(hmac({ keys: { secret: 'hunter2' } }))?.join()).not.toContain('hunter2')
  })
})

describe('a shared secret', () => {
  it('verifies tokens of its issuer', async () => {
    const { verifyToken } = createTokenVerifier({
      issuer: 'https://hs.example',
      keys: { secret: SECRET },
      algorithms: ['HS256'],
      audience: 'api',
      tenantClaims: { tenant: 'org_id' },
    })
    const iat = Math.floor(Date.now() / 1000)
    const claims = { iss: 'https://hs.example', aud: 'api', sub: 'u', org_id: 't', iat, exp: iat + 60 }
    expect((await verifyToken(forgeHmac({ alg: 'HS256' }, claims, SECRET))).tenantClaim).toBe('t')
    await expect(verifyToken(forgeHmac({ alg: 'HS256' }, claims, `${SECRET}x`))).rejects.toMatchObject({
      details: { reason: 'signature' },
    })
    await expect(verifyToken(forgeHmac({ alg: 'HS512' }, claims, SECRET))).rejects.toMatchObject({
      details: { reason: 'algorithm' },
    })
  })
})

describe('claims', () => {
  const verify = async (options: object, claims: object) =>
    createTokenVerifier({ ...idp.localOptions(), ...options }).verifyToken(await idp.sign({ claims: { ...claims } }))

  it('are read by path, by a list of names and by a function', async () => {
    const tenantClaims = {
      tenant: 'app_metadata.tenant',
      user: ['https://x.example/user', 'id'],
      roles: () => ['reader'],
      permissions: 'scope',
    }
    const claims = { app_metadata: { tenant: 't-1' }, 'https://x.example/user': { id: 'u-1' }, scope: 'a:read b:write' }
    expect(await verify({ tenantClaims }, claims)).toMatchObject({
      tenantClaim: 't-1',
      userId: 'u-1',
      roles: ['reader'],
      permissions: ['a:read', 'b:write'],
    })
  })

  it('must name a sub, also where the user is another claim', async () => {
    const tenantClaims = { tenant: 'org_id', user: 'oid' }
    expect((await verify({ tenantClaims }, { oid: 'o-1' })).userId).toBe('o-1')
    await expect(verify({ tenantClaims }, { oid: 'o-1', sub: undefined })).rejects.toMatchObject({
      details: { reason: 'claim-missing' },
    })
  })

  it('that name two tenants are refused', async () => {
    const tenantClaims = { tenant: 'org_id', sameTenant: ['tenant_id'] }
    expect((await verify({ tenantClaims }, {})).tenantClaim).toBe('tenant-a')
    expect((await verify({ tenantClaims }, { tenant_id: 'tenant-a' })).tenantClaim).toBe('tenant-a')
    await expect(verify({ tenantClaims }, { tenant_id: 'tenant-b' })).rejects.toMatchObject({
      details: { reason: 'tenant-ambiguous' },
    })
  })

  it('over which a reader stumbles are refused', async () => {
    const tenantClaims = {
      tenant: () => {
        throw new Error('no')
      },
    }
    await expect(verify({ tenantClaims }, {})).rejects.toMatchObject({ details: { reason: 'claim-invalid' } })
  })

  it('that the typed reader refuses are refused, without its message', async () => {
    const error: unknown = await createTokenVerifier({
      ...idp.localOptions(),
      claims: (): never => {
        throw new Error('value s3cret is not valid')
      },
    })
      .verifyToken(await idp.sign())
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'PARTYWALL_AUTHENTICATION', details: { reason: 'claim-invalid' } })
    expect(String(error)).not.toContain('s3cret')
    expect(error).not.toHaveProperty('cause')
  })

  it('are checked for the typ that the options name', async () => {
    await expect(verify({ typ: 'at+jwt' }, {})).resolves.toBeDefined()
    await expect(verify({ typ: ['secevent+jwt'] }, {})).rejects.toMatchObject({ details: { reason: 'token-type' } })
  })

  it('of an ID token pass where ID tokens are wanted, and only there', async () => {
    const claims = { nonce: 'n', token_use: 'id' }
    expect((await verify({ tokenUse: 'id' }, claims)).userId).toBe('user-1')
    await expect(verify({}, claims)).rejects.toMatchObject({ details: { reason: 'token-type' } })
    await expect(verify({ tokenUse: 'id' }, { token_use: 'access' })).rejects.toMatchObject({
      details: { reason: 'token-type' },
    })
  })

  it('of a tenant that the issuer may not speak for are refused, by list and by function', async () => {
    const refusal = { details: { reason: 'tenant-not-of-issuer', attack: true } }
    await expect(verify({ tenants: ['tenant-b'] }, {})).rejects.toMatchObject(refusal)
    await expect(verify({ tenants: async () => false }, {})).rejects.toMatchObject(refusal)
    await expect(verify({ tenants: () => 'yes' }, {})).rejects.toMatchObject(refusal)
    expect((await verify({ tenants: async (claim: string) => claim === 'tenant-a' }, {})).userId).toBe('user-1')
  })

  it('are an outage where the function of tenants fails', async () => {
    await expect(verify({ tenants: () => Promise.reject(new Error('down')) }, {})).rejects.toMatchObject({
      code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE',
    })
  })
})
