import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

/** An identity provider on loopback. It signs with a real key and serves the public key. */
export interface KitIssuer {
  readonly issuer: string
  readonly audience: string
  readonly jwks: { readonly keys: JWK[] }
  readonly jwksUrl: string
  /** Signs any claims. Given claims replace the defaults (five minutes, a new `jti`). */
  sign(claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): Promise<string>
  close(): Promise<void>
}

/** Starts an issuer with one ES256 key. */
export async function startKitIssuer(): Promise<KitIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const kid = randomUUID()
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }] }
  const server = createServer((_request, response) => {
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify(jwks))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  const { port } = server.address() as AddressInfo // listening on TCP, so it is an AddressInfo
  const issuer = `https://test-kit.example/${randomUUID()}`
  const audience = 'https://test-kit.example/api'
  return {
    issuer,
    audience,
    jwks,
    jwksUrl: `http://127.0.0.1:${port}/jwks.json`,
    sign(claims, header = {}) {
      const now = Math.floor(Date.now() / 1000)
      return new SignJWT({ iss: issuer, aud: audience, iat: now, exp: now + 300, jti: randomUUID(), ...claims })
        .setProtectedHeader({ alg: 'ES256', kid, typ: 'at+jwt', ...header })
        .sign(privateKey)
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
