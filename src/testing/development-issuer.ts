import { randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import { ConfigurationError } from '../errors.ts'

/** The claims of a token for development. */
interface DevelopmentToken {
  readonly issuer: string
  readonly audience: string
  readonly userId: string
  /** Further claims by name, such as tenant and roles. They replace standard claims of the same name. */
  readonly claims: Readonly<Record<string, unknown>>
  readonly lifetimeSeconds: number
}

/** A key pair as JSON Web Keys (RFC 7517). */
interface DevelopmentKeys {
  readonly privateKey: JWK
  readonly jwks: { readonly keys: readonly JWK[] }
}

/** Makes an ES256 pair. The key id is the key's thumbprint (RFC 7638). */
export async function generateDevelopmentKeys(): Promise<DevelopmentKeys> {
  const pair = await generateKeyPair('ES256', { extractable: true })
  const publicKey = await exportJWK(pair.publicKey)
  const named = { kid: await calculateJwkThumbprint(publicKey), alg: 'ES256', use: 'sig' }
  return {
    privateKey: { ...(await exportJWK(pair.privateKey)), ...named },
    jwks: { keys: [{ ...publicKey, ...named }] },
  }
}

/**
 * Signs an access token (RFC 9068: `typ` is `at+jwt`) with a private key of {@link generateDevelopmentKeys}.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` where NODE_ENV is `production`, and if the key is not a private ES256 key
 */
export async function signDevelopmentToken(privateKey: JWK, token: DevelopmentToken): Promise<string> {
  refuseInProduction()
  const key = await importJWK(privateKey, 'ES256').catch((cause: unknown) => {
    throw new ConfigurationError('The key is not a private ES256 key. Make one: partywall token keygen', { cause })
  })
  const now = Math.floor(Date.now() / 1000)
  const { issuer, audience, userId, claims, lifetimeSeconds } = token
  const own = { iss: issuer, aud: audience, sub: userId, iat: now, exp: now + lifetimeSeconds, jti: randomUUID() }
  const { kid } = privateKey
  return new SignJWT({ ...own, ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...(kid === undefined ? {} : { kid }) })
    .sign(key)
}

/** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` */
export function refuseInProduction(): void {
  if (process.env['NODE_ENV'] !== 'production') return
  throw new ConfigurationError(
    'Development tokens are not made where NODE_ENV is production. There the identity provider makes the tokens.',
  )
}
