// Longer than a test file should be: a table of attacks is one thing, and reads best in one piece.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TokenVerifier } from '../../src/auth/credential-verifier.ts'
import { createTokenVerifier } from '../../src/auth/jwt.ts'
import type { RefusalReason } from '../../src/auth/refusal.ts'
import { isPartywallError } from '../../src/errors.ts'
import { createSecurityEvents, type SecurityEvent } from '../../src/events/security-events.ts'
import { encodePart, forgeHmac, forgeSigned, type Part, replaceParts } from '../setup/forge-token.ts'
import { type IssuerKey, startIssuer, type TestIssuer } from '../setup/issuer.ts'

let idp: TestIssuer
let other: TestIssuer
let verifier: TokenVerifier
const seen: SecurityEvent[] = []

beforeAll(async () => {
  idp = await startIssuer({ algorithms: ['ES256', 'RS256'] })
  other = await startIssuer()
  const events = createSecurityEvents()
  events.on('*', (event) => seen.push(event))
  const { issuer, tenantClaims, ...own } = idp.localOptions()
  const { issuer: _, tenantClaims: __, ...foreign } = other.localOptions()
  verifier = createTokenVerifier({
    issuers: {
      [issuer]: { ...own, claims: tenantClaims, tenants: ['tenant-a', 'tenant-b'] },
      [other.issuer]: { ...foreign, claims: tenantClaims, tenants: ['tenant-c'] },
    },
    events,
  })
})
afterAll(() => Promise.all([idp.close(), other.close()]))

const now = () => Math.floor(Date.now() / 1000)
const header = (extra: object = {}) => ({ alg: 'ES256', kid: idp.key().kid, typ: 'at+jwt', ...extra })
const payload = (extra: object = {}) => ({
  iss: idp.issuer,
  aud: idp.audience,
  sub: 'user-1',
  org_id: 'tenant-a',
  iat: now(),
  exp: now() + 300,
  ...extra,
})
const without = (name: string) => Object.fromEntries(Object.entries(payload()).filter(([key]) => key !== name))
const signed = (h: Part = header(), p: Part = payload(), key: IssuerKey = idp.key()) => forgeSigned(h, p, key)
/** Adds text to the JSON of an object, before its closing brace. */
const appended = (object: object, text: string) => `${JSON.stringify(object).slice(0, -1)},${text}}`

interface Vector {
  readonly name: string
  readonly token: () => unknown
  readonly reason: RefusalReason
  readonly attack?: true
}

const vectors: readonly Vector[] = [
  // Form
  { name: 'no token', token: () => undefined, reason: 'missing' },
  { name: 'an empty token', token: () => '', reason: 'missing' },
  { name: 'an object in the place of a token', token: () => ({ toString: () => signed() }), reason: 'malformed' },
  { name: 'a list with a good token', token: () => [signed()], reason: 'malformed' },
  { name: 'one part', token: () => 'abc', reason: 'malformed' },
  { name: 'two parts', token: () => signed().split('.').slice(0, 2).join('.'), reason: 'malformed' },
  { name: 'four parts', token: () => `${signed()}.AA`, reason: 'malformed' },
  {
    name: 'an encrypted token',
    token: () => `${encodePart({ alg: 'dir', enc: 'A256GCM' })}..AA.AA.AA`,
    reason: 'encrypted',
  },
  { name: 'a JSON serialisation', token: () => JSON.stringify({ payload: '', signatures: [] }), reason: 'malformed' },
  {
    name: 'a token of 1 MB',
    token: () => signed(header(), payload({ pad: 'x'.repeat(1_000_000) })),
    reason: 'too-large',
  },
  {
    name: '100,000 nested lists',
    token: () => signed(header(), `{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`),
    reason: 'too-large',
  },
  {
    name: '2,000 nested lists',
    token: () => signed(header(), appended(payload(), `"a":${'['.repeat(2e3)}${']'.repeat(2e3)}`)),
    reason: 'malformed',
  },
  { name: 'a newline after the signature', token: () => `${signed()}\n`, reason: 'malformed' },
  { name: 'a space before the token', token: () => ` ${signed()}`, reason: 'malformed' },
  { name: 'a NUL inside', token: () => signed().replace('.', '.\0'), reason: 'malformed' },
  { name: 'two tokens joined by a comma', token: () => `${signed()}, ${signed()}`, reason: 'malformed' },
  { name: 'padding', token: () => `${signed()}==`, reason: 'malformed' },
  { name: 'the standard base64 alphabet', token: () => `${signed().slice(0, -3)}+/A`, reason: 'malformed' },
  { name: 'full-width dots', token: () => signed().replaceAll('.', '．'), reason: 'malformed' },
  {
    name: 'unused bits set in the last character of the signature',
    token: () => withUnusedBits(signed()),
    reason: 'non-canonical',
    attack: true,
  },
  {
    name: 'unused bits set in the header',
    token: () => `${withUnusedBits(encodePart('{"alg":"ES256"}x'))}.${signed().split('.').slice(1).join('.')}`,
    reason: 'non-canonical',
    attack: true,
  },
  { name: 'a header that is no JSON', token: () => signed('{alg:ES256}'), reason: 'malformed' },
  { name: 'a header that is a list', token: () => signed([header()]), reason: 'malformed' },
  { name: 'a payload that is null', token: () => signed(header(), 'null'), reason: 'malformed' },
  { name: 'a payload that is a list', token: () => signed(header(), [payload()]), reason: 'malformed' },
  { name: 'a payload that is a string', token: () => signed(header(), '"admin"'), reason: 'malformed' },
  {
    name: 'a byte order mark before the payload',
    token: () => signed(header(), `\uFEFF${JSON.stringify(payload())}`),
    reason: 'malformed',
  },
  {
    name: 'bytes that are no UTF-8',
    token: () => signed(header(), Buffer.from(JSON.stringify(payload({ name: 'é' })), 'latin1')),
    reason: 'malformed',
  },
  {
    name: 'text after the payload',
    token: () => signed(header(), `${JSON.stringify(payload())} {}`),
    reason: 'malformed',
  },
  {
    name: 'a claim named __proto__',
    token: () => signed(header(), appended(payload(), '"__proto__":{"roles":["owner"]}')),
    reason: 'malformed',
  },
  // Names twice
  {
    name: 'the tenant claim twice',
    token: () => signed(header(), appended(payload(), '"org_id":"tenant-b"')),
    reason: 'duplicate-claim',
    attack: true,
  },
  {
    name: 'the tenant claim twice, once escaped',
    token: () => signed(header(), appended(payload(), '"org\\u005fid":"tenant-b"')),
    reason: 'duplicate-claim',
    attack: true,
  },
  {
    name: 'a nested claim twice',
    token: () => signed(header(), appended(payload(), '"o":{"id":"tenant-a","id":"tenant-b"}')),
    reason: 'duplicate-claim',
    attack: true,
  },
  {
    name: 'alg twice in the header',
    token: () => signed(appended(header(), '"alg":"none"')),
    reason: 'duplicate-claim',
    attack: true,
  },
  {
    name: 'kid twice in the header',
    token: () => signed(appended(header(), '"kid":"other"')),
    reason: 'duplicate-claim',
    attack: true,
  },
  // Algorithms
  {
    name: 'alg none without signature',
    token: () => `${encodePart({ alg: 'none' })}.${encodePart(payload())}.`,
    reason: 'algorithm',
    attack: true,
  },
  {
    name: 'alg None',
    token: () => `${encodePart({ alg: 'None' })}.${encodePart(payload())}.`,
    reason: 'algorithm',
    attack: true,
  },
  {
    name: 'alg nOnE with a signature',
    token: () => signed(header({ alg: 'nOnE' })),
    reason: 'algorithm',
    attack: true,
  },
  { name: 'no alg', token: () => signed({ kid: idp.key().kid }), reason: 'algorithm', attack: true },
  { name: 'alg as a list', token: () => signed(header({ alg: ['ES256'] })), reason: 'algorithm', attack: true },
  { name: 'alg in lower case', token: () => signed(header({ alg: 'es256' })), reason: 'algorithm', attack: true },
  {
    name: 'HS256 with the public key as PEM',
    token: () => forgeHmac(header({ alg: 'HS256' }), payload(), idp.key('RS256').publicPem),
    reason: 'algorithm',
    attack: true,
  },
  {
    name: 'HS256 with the public key as JWK',
    token: () => forgeHmac(header({ alg: 'HS256' }), payload(), JSON.stringify(idp.key().publicJwk)),
    reason: 'algorithm',
    attack: true,
  },
  {
    name: 'HS256 with an empty secret',
    token: () => forgeHmac(header({ alg: 'HS256' }), payload(), ''),
    reason: 'algorithm',
    attack: true,
  },
  {
    name: 'an algorithm that the issuer does not use',
    token: () => signed(header({ alg: 'PS256', kid: idp.key('RS256').kid })),
    reason: 'algorithm',
    attack: true,
  },
  {
    name: 'RS256 with the kid of the ES256 key',
    token: () => signed(header({ alg: 'RS256' }), payload(), idp.key('RS256')),
    reason: 'unknown-key',
  },
  // Headers that choose their own judge
  {
    name: 'an embedded jwk',
    token: () => signed(header({ jwk: other.key().publicJwk }), payload(), other.key()),
    reason: 'header-forbidden',
    attack: true,
  },
  {
    name: 'an embedded jwk beside a good signature',
    token: () => signed(header({ jwk: idp.key().publicJwk })),
    reason: 'header-forbidden',
    attack: true,
  },
  {
    name: 'jku',
    token: () => signed(header({ jku: other.jwksUrl }), payload(), other.key()),
    reason: 'header-forbidden',
    attack: true,
  },
  { name: 'x5u', token: () => signed(header({ x5u: other.jwksUrl })), reason: 'header-forbidden', attack: true },
  { name: 'x5c', token: () => signed(header({ x5c: ['AA'] })), reason: 'header-forbidden', attack: true },
  {
    name: 'crit with an unknown extension',
    token: () => signed(header({ crit: ['exp'] })),
    reason: 'header-forbidden',
    attack: true,
  },
  { name: 'an empty crit', token: () => signed(header({ crit: [] })), reason: 'header-forbidden', attack: true },
  { name: 'b64 false', token: () => signed(header({ b64: false })), reason: 'header-forbidden', attack: true },
  { name: 'zip', token: () => signed(header({ zip: 'DEF' })), reason: 'header-forbidden', attack: true },
  {
    name: 'a PBES2 count of a billion',
    token: () => signed(header({ p2c: 1e9 })),
    reason: 'header-forbidden',
    attack: true,
  },
  { name: 'a nested token', token: () => signed(header({ cty: 'JWT' }), signed()), reason: 'malformed' },
  {
    name: 'cty that says nested',
    token: () => signed(header({ cty: 'JWT' })),
    reason: 'header-forbidden',
    attack: true,
  },
  // Key ids
  { name: 'an unknown kid', token: () => signed(header({ kid: 'nobody' })), reason: 'unknown-key' },
  { name: 'a kid that is a path', token: () => signed(header({ kid: '../../../../dev/null' })), reason: 'unknown-key' },
  { name: 'a kid that is SQL', token: () => signed(header({ kid: "x'/**/OR/**/'1'='1" })), reason: 'unknown-key' },
  { name: 'a kid that is __proto__', token: () => signed(header({ kid: '__proto__' })), reason: 'unknown-key' },
  { name: 'a kid that is a number', token: () => signed(header({ kid: 1 })), reason: 'malformed' },
  { name: 'a kid of 5,000 characters', token: () => signed(header({ kid: 'k'.repeat(5000) })), reason: 'malformed' },
  { name: 'a kid with a line break', token: () => signed(header({ kid: 'a\nb' })), reason: 'malformed' },
  {
    name: "no kid and another issuer's key",
    token: () => signed({ alg: 'ES256' }, payload(), other.key()),
    reason: 'signature',
    attack: true,
  },
  // Signatures
  {
    name: 'another tenant put into the payload',
    token: () => replaceParts(signed(), { payload: payload({ org_id: 'tenant-b' }) }),
    reason: 'signature',
    attack: true,
  },
  {
    name: 'another user put into the payload',
    token: () => replaceParts(signed(), { payload: payload({ sub: 'root' }) }),
    reason: 'signature',
    attack: true,
  },
  {
    name: 'a role put into the payload',
    token: () => replaceParts(signed(), { payload: payload({ roles: ['owner'] }) }),
    reason: 'signature',
    attack: true,
  },
  {
    name: 'an empty signature',
    token: () => replaceParts(signed(), { signature: '' }),
    reason: 'signature',
    attack: true,
  },
  {
    name: 'a signature of zeros (CVE-2022-21449)',
    token: () => replaceParts(signed(), { signature: Buffer.alloc(64).toString('base64url') }),
    reason: 'signature',
    attack: true,
  },
  {
    name: 'a short signature',
    token: () => replaceParts(signed(), { signature: Buffer.alloc(8).toString('base64url') }),
    reason: 'signature',
    attack: true,
  },
  {
    name: 'the signature of another token',
    token: () => replaceParts(signed(), { signature: signed(header(), payload({ jti: 'x' })).split('.')[2] ?? '' }),
    reason: 'signature',
    attack: true,
  },
  {
    name: "another issuer's key under our kid",
    token: () => signed(header(), payload(), other.key()),
    reason: 'signature',
    attack: true,
  },
  {
    name: 'an RSA signature said to be ES256',
    token: () => signed(header(), payload(), idp.key('RS256')),
    reason: 'signature',
    attack: true,
  },
  // Issuers
  { name: 'no issuer', token: () => signed(header(), without('iss')), reason: 'claim-missing' },
  {
    name: 'an unknown issuer',
    token: () => signed(header(), payload({ iss: 'https://evil.example' })),
    reason: 'unknown-issuer',
  },
  {
    name: 'the issuer with a slash',
    token: () => signed(header(), payload({ iss: `${idp.issuer}/` })),
    reason: 'unknown-issuer',
  },
  {
    name: 'the issuer in upper case',
    token: () => signed(header(), payload({ iss: idp.issuer.toUpperCase() })),
    reason: 'unknown-issuer',
  },
  { name: 'issuers as a list', token: () => signed(header(), payload({ iss: [idp.issuer] })), reason: 'claim-invalid' },
  {
    name: 'an issuer that is __proto__',
    token: () => signed(header(), payload({ iss: '__proto__' })),
    reason: 'unknown-issuer',
  },
  {
    name: "our issuer's name under another issuer's key and kid",
    token: () => signed(header({ kid: other.key().kid }), payload(), other.key()),
    reason: 'unknown-key',
  },
  {
    name: 'a good token of another issuer for our tenant',
    token: () => other.sign({ claims: { org_id: 'tenant-a' } }),
    reason: 'tenant-not-of-issuer',
    attack: true,
  },
  {
    name: 'a tenant that no issuer may speak for',
    token: () => signed(header(), payload({ org_id: 'tenant-z' })),
    reason: 'tenant-not-of-issuer',
    attack: true,
  },
  // Times
  {
    name: 'an expired token',
    token: () => signed(header(), payload({ iat: now() - 600, exp: now() - 300 })),
    reason: 'expired',
  },
  { name: 'no exp', token: () => signed(header(), without('exp')), reason: 'claim-missing' },
  { name: 'no iat', token: () => signed(header(), without('iat')), reason: 'claim-missing' },
  {
    name: 'exp as a string',
    token: () => signed(header(), payload({ exp: String(now() + 300) })),
    reason: 'claim-invalid',
  },
  { name: 'exp null', token: () => signed(header(), payload({ exp: null })), reason: 'claim-invalid' },
  {
    name: 'exp in milliseconds',
    token: () => signed(header(), payload({ exp: (now() + 300) * 1000 })),
    reason: 'lifetime',
  },
  { name: 'exp 1e300', token: () => signed(header(), payload({ exp: 1e300 })), reason: 'claim-invalid' },
  {
    name: 'exp beyond all numbers',
    token: () => signed(header(), JSON.stringify(payload()).replace(/"exp":\d+/, '"exp":1e999')),
    reason: 'claim-invalid',
  },
  { name: 'exp negative', token: () => signed(header(), payload({ exp: -1 })), reason: 'claim-invalid' },
  {
    name: 'a life of ten years',
    token: () => signed(header(), payload({ exp: now() + 315_360_000 })),
    reason: 'lifetime',
  },
  {
    name: 'an old iat that makes the life too long',
    token: () => signed(header(), payload({ iat: 0 })),
    reason: 'lifetime',
  },
  {
    name: 'exp before iat',
    token: () => signed(header(), payload({ iat: now() + 3, exp: now() + 2 })),
    reason: 'lifetime',
  },
  { name: 'nbf in the future', token: () => signed(header(), payload({ nbf: now() + 100 })), reason: 'not-yet-valid' },
  { name: 'nbf as a string', token: () => signed(header(), payload({ nbf: '0' })), reason: 'claim-invalid' },
  { name: 'iat in the future', token: () => signed(header(), payload({ iat: now() + 100 })), reason: 'not-yet-valid' },
  {
    name: 'iat in the future hidden by nbf',
    token: () => signed(header(), payload({ iat: now() + 100, nbf: 0 })),
    reason: 'not-yet-valid',
  },
  // Audience
  { name: 'no audience', token: () => signed(header(), without('aud')), reason: 'audience' },
  {
    name: 'another audience',
    token: () => signed(header(), payload({ aud: 'https://other.example' })),
    reason: 'audience',
  },
  {
    name: 'a prefix of the audience',
    token: () => signed(header(), payload({ aud: idp.audience.slice(0, -1) })),
    reason: 'audience',
  },
  {
    name: 'a list of audiences without ours',
    token: () => signed(header(), payload({ aud: ['a', 'b'] })),
    reason: 'audience',
  },
  {
    name: 'our audience in a list with an object',
    token: () => signed(header(), payload({ aud: [idp.audience, {}] })),
    reason: 'audience',
  },
  {
    name: 'an audience that is an object',
    token: () => signed(header(), payload({ aud: { [idp.audience]: true } })),
    reason: 'audience',
  },
  // Kinds of tokens
  {
    name: 'an ID token by its nonce',
    token: () => signed(header({ typ: 'JWT' }), payload({ nonce: 'n' })),
    reason: 'token-type',
  },
  {
    name: 'an ID token by its at_hash',
    token: () => signed(header({ typ: 'JWT' }), payload({ at_hash: 'h' })),
    reason: 'token-type',
  },
  {
    name: 'an ID token by token_use',
    token: () => signed(header({ typ: 'JWT' }), payload({ token_use: 'id' })),
    reason: 'token-type',
  },
  {
    name: 'an ID token by its payload typ',
    token: () => signed(header({ typ: 'JWT' }), payload({ typ: 'ID' })),
    reason: 'token-type',
  },
  {
    name: 'a refresh token',
    token: () => signed(header({ typ: 'JWT' }), payload({ typ: 'Refresh' })),
    reason: 'token-type',
  },
  { name: 'a logout token', token: () => signed(header({ typ: 'logout+jwt' })), reason: 'token-type' },
  {
    name: 'a logout token without typ',
    token: () => signed(header({ typ: undefined }), payload({ events: {} })),
    reason: 'token-type',
  },
  { name: 'a DPoP proof', token: () => signed(header({ typ: 'dpop+jwt' })), reason: 'token-type' },
  { name: 'typ as a list', token: () => signed(header({ typ: ['JWT'] })), reason: 'token-type' },
  // Who and which tenant
  { name: 'no sub', token: () => signed(header(), without('sub')), reason: 'claim-missing' },
  { name: 'an empty sub', token: () => signed(header(), payload({ sub: '' })), reason: 'claim-invalid' },
  { name: 'a sub that is a number', token: () => signed(header(), payload({ sub: 1 })), reason: 'claim-invalid' },
  {
    name: 'a sub with a line break',
    token: () => signed(header(), payload({ sub: 'user\n1' })),
    reason: 'claim-invalid',
  },
  { name: 'no tenant', token: () => signed(header(), without('org_id')), reason: 'tenant-missing' },
  { name: 'a tenant that is null', token: () => signed(header(), payload({ org_id: null })), reason: 'tenant-missing' },
  { name: 'a tenant that is empty', token: () => signed(header(), payload({ org_id: '' })), reason: 'tenant-invalid' },
  {
    name: 'a tenant that is a list',
    token: () => signed(header(), payload({ org_id: ['tenant-a'] })),
    reason: 'tenant-invalid',
  },
  {
    name: 'a tenant that is an object',
    token: () => signed(header(), payload({ org_id: { id: 'tenant-a' } })),
    reason: 'tenant-invalid',
  },
  {
    name: 'a tenant that is a number',
    token: () => signed(header(), payload({ org_id: 1 })),
    reason: 'tenant-invalid',
  },
  { name: 'a tenant that is true', token: () => signed(header(), payload({ org_id: true })), reason: 'tenant-invalid' },
  {
    name: 'a tenant with spaces around',
    token: () => signed(header(), payload({ org_id: ' tenant-a' })),
    reason: 'tenant-invalid',
  },
  {
    name: 'a tenant with a NUL',
    token: () => signed(header(), payload({ org_id: 'tenant-a\0' })),
    reason: 'tenant-invalid',
  },
  {
    name: 'a tenant with a line break at its end',
    token: () => signed(header(), payload({ org_id: 'tenant-a\n' })),
    reason: 'tenant-invalid',
  },
  {
    name: 'a tenant in look-alike letters',
    token: () => signed(header(), payload({ org_id: 'tenant-а' })),
    reason: 'tenant-invalid',
  },
  {
    name: 'a tenant that is SQL',
    token: () => signed(header(), payload({ org_id: "' OR 1=1 --" })),
    reason: 'tenant-invalid',
  },
  {
    name: 'a tenant of 129 characters',
    token: () => signed(header(), payload({ org_id: 'a'.repeat(129) })),
    reason: 'tenant-invalid',
  },
  {
    name: 'a tenant on the prototype',
    token: () => signed(header(), appended(without('org_id'), '"constructor":{"org_id":"tenant-a"}')),
    reason: 'tenant-missing',
  },
  {
    name: 'roles that are an object',
    token: () => signed(header(), payload({ roles: { admin: true } })),
    reason: 'claim-invalid',
  },
  {
    name: 'roles that hold a list',
    token: () => signed(header(), payload({ roles: [['owner']] })),
    reason: 'claim-invalid',
  },
  {
    name: 'three hundred roles',
    token: () => signed(header(), payload({ roles: Array.from({ length: 300 }, (_, n) => `${n}`) })),
    reason: 'claim-invalid',
  },
  { name: 'an actor without a name', token: () => signed(header(), payload({ act: {} })), reason: 'claim-invalid' },
  {
    name: 'an actor that is a string',
    token: () => signed(header(), payload({ act: 'root' })),
    reason: 'claim-invalid',
  },
  { name: 'a jti that is an object', token: () => signed(header(), payload({ jti: {} })), reason: 'claim-invalid' },
]

/** The same bytes for a lenient decoder, spelled otherwise: the last character's unused low bits are set. */
function withUnusedBits(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(text.at(-1) ?? '')
  return `${text.slice(0, -1)}${alphabet[last | 1]}`
}

describe('token attacks', () => {
  it('accepts the token that all attacks start from', async () => {
    expect(await verifier.verifyToken(signed())).toMatchObject({ tenantClaim: 'tenant-a', userId: 'user-1' })
  })

  it('lists at least 60 vectors, each with its own name', () => {
    expect(vectors.length).toBeGreaterThanOrEqual(60)
    expect(new Set(vectors.map(({ name }) => name)).size).toBe(vectors.length)
  })

  it.each(vectors)('refuses $name ($reason)', async ({ token, reason, attack = false }) => {
    const made = await token()
    seen.length = 0
    const error: unknown = await verifier.verifyToken(made, { requestId: 'r-1' }).catch((thrown: unknown) => thrown)
    if (!isPartywallError(error)) throw new Error(`expected a refusal, got ${String(error)}`)
    expect(error).toMatchObject({ code: 'PARTYWALL_AUTHENTICATION', status: 401, details: { reason, attack } })
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({ type: attack ? 'TOKEN_ATTACK' : 'AUTHENTICATION_FAILED', reason, requestId: 'r-1' })
    // Nothing of the token gets into what is logged.
    const told = JSON.stringify([error.message, error.details, error.publicMessage, seen, String(error.cause ?? '')])
    for (const part of typeof made === 'string' ? made.split('.') : []) {
      if (part.length > 12) expect(told).not.toContain(part)
    }
    expect(verifier.peekCached(made)).toBeUndefined()
  })

  it('gives the client the same answer whatever was wrong', async () => {
    const answers = new Set<string>()
    for (const { token } of vectors) {
      const error: unknown = await verifier.verifyToken(await token()).catch((thrown: unknown) => thrown)
      if (isPartywallError(error)) answers.add(`${error.status} ${error.code} ${error.publicMessage}`)
    }
    expect(answers.size).toBe(1)
  })
})
