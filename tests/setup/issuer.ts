import { randomUUID } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose'

export type IssuerAlgorithm = 'ES256' | 'RS256' | 'EdDSA'

/**
 * How the key endpoint behaves: well, with an error, by never answering, with
 * something else than keys, by a redirect to where the keys are, or with a document without an end.
 */
export type EndpointMode = 'serve' | 'fail' | 'hang' | 'empty' | 'garbage' | 'redirect' | 'cut' | 'huge'

export interface IssuerKey {
  readonly kid: string
  readonly algorithm: IssuerAlgorithm
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  readonly publicJwk: JWK
  /** SPKI. */
  readonly publicPem: string
}

export interface TokenOptions {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  readonly key?: IssuerKey
  /** Names of claims to leave out. */
  readonly without?: readonly string[]
}

/** An identity provider on loopback: signs tokens with real keys and serves their public halves. */
export interface TestIssuer {
  readonly issuer: string
  readonly audience: string
  readonly jwksUrl: string
  readonly keys: readonly IssuerKey[]
  /** The key of an algorithm that signs now. */
  key(algorithm?: IssuerAlgorithm): IssuerKey
  jwks(): { keys: JWK[] }
  /** A token of this issuer: five minutes, `sub` user-1, `org_id` tenant-a, unless said otherwise. */
  sign(options?: TokenOptions): Promise<string>
  /** Requests that reached the key endpoint. */
  readonly requests: number
  setMode(mode: EndpointMode): void
  /** Cuts the requests that hang. */
  hangUp(): void
  /** Adds new keys and signs with them; the old ones go unless kept. */
  rotate(options?: { readonly keepOld?: boolean }): Promise<void>
  /** Options for `createTokenVerifier`, with the keys given by value. */
  localOptions(): LocalIssuerOptions
  close(): Promise<void>
}

export interface LocalIssuerOptions {
  readonly issuer: string
  readonly audience: string
  readonly algorithms: readonly IssuerAlgorithm[]
  readonly keys: { readonly jwks: { readonly keys: JWK[] } }
  readonly tenantClaims: { readonly tenant: string; readonly roles: string; readonly permissions: string }
}

const AUDIENCE = 'https://api.example'

/**
 * Starts an issuer.
 *
 * @param options.issuer its name; default: a fresh one under `https://idp.example/`
 * @param options.algorithms which keys to make; the first signs by default. RSA keys take a while, so ES256 only by default
 */
export async function startIssuer(
  options: {
    readonly issuer?: string
    readonly audience?: string
    readonly algorithms?: readonly IssuerAlgorithm[]
  } = {},
): Promise<TestIssuer> {
  const { issuer = `https://idp.example/${randomUUID()}`, audience = AUDIENCE, algorithms = ['ES256'] } = options
  let keys = await Promise.all(algorithms.map(makeKey))
  let published = keys
  let mode: EndpointMode = 'serve'
  let requests = 0

  const server = createServer((request, response) => {
    requests++
    answer(response, request.url === '/elsewhere' ? 'serve' : mode, { keys: published.map((key) => key.publicJwk) })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // listening on TCP, so it is an AddressInfo

  function key(algorithm: IssuerAlgorithm = algorithms[0] ?? 'ES256'): IssuerKey {
    const found = keys.find((candidate) => candidate.algorithm === algorithm)
    if (found === undefined) throw new Error(`this issuer was started without ${algorithm}`)
    return found
  }

  return {
    issuer,
    audience,
    jwksUrl: `http://127.0.0.1:${port}/jwks.json`,
    get keys() {
      return keys
    },
    key,
    jwks: () => ({ keys: published.map((each) => each.publicJwk) }),
    async sign({ claims = {}, header = {}, key: signer = key(), without = [] } = {}) {
      const now = Math.floor(Date.now() / 1000)
      const defaults = {
        iss: issuer,
        aud: audience,
        sub: 'user-1',
        org_id: 'tenant-a',
        roles: ['admin'],
        iat: now,
        exp: now + 300,
        jti: randomUUID(),
      }
      const all: Record<string, unknown> = { ...defaults, ...claims }
      for (const name of without) delete all[name]
      return new SignJWT(all)
        .setProtectedHeader({ alg: signer.algorithm, kid: signer.kid, typ: 'at+jwt', ...header })
        .sign(signer.privateKey)
    },
    get requests() {
      return requests
    },
    setMode(next) {
      mode = next
    },
    hangUp: () => server.closeAllConnections(),
    async rotate({ keepOld = false } = {}) {
      const fresh = await Promise.all(algorithms.map(makeKey))
      published = keepOld ? [...keys, ...fresh] : fresh
      keys = fresh
    },
    localOptions: () => ({
      issuer,
      audience,
      algorithms,
      keys: { jwks: { keys: published.map((each) => each.publicJwk) } },
      tenantClaims: { tenant: 'org_id', roles: 'roles', permissions: 'permissions' },
    }),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function makeKey(algorithm: IssuerAlgorithm): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const kid = randomUUID()
  const publicJwk = { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' }
  return { kid, algorithm, privateKey, publicKey, publicJwk, publicPem: await exportSPKI(publicKey) }
}

function answer(response: ServerResponse, mode: EndpointMode, jwks: object): void {
  switch (mode) {
    case 'serve':
      response.setHeader('content-type', 'application/json').end(JSON.stringify(jwks))
      return
    case 'fail':
      response.writeHead(500).end('out of order')
      return
    case 'hang':
      return
    case 'empty':
      response.setHeader('content-type', 'application/json').end('{"keys":[]}')
      return
    case 'garbage':
      response.end('<html>maintenance</html>')
      return
    case 'redirect':
      response.writeHead(302, { location: '/elsewhere' }).end()
      return
    case 'cut':
      response.destroy()
      return
    case 'huge':
      response.write(JSON.stringify(jwks))
      pour(response)
  }
}

/** White space is allowed after JSON, so only a limit on the size ends this. */
function pour(response: ServerResponse): void {
  const more = () => {
    while (!response.destroyed && response.write(' '.repeat(65_536)));
  }
  response.on('drain', more)
  more()
}
