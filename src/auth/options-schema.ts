import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import { ALGORITHMS, isSymmetric, keyFitsAlgorithm, minSecretBytes } from './algorithms.ts'
import { type ClaimReader, isUserEditable } from './claim-path.ts'
import { type KeySet, readJwks, readPem } from './key-set.ts'
import { PRESET_NAMES } from './presets/all.ts'
import { isRecord } from './strict-json.ts'

function aFunction<F>() {
  return z.custom<F>((value) => typeof value === 'function', 'expected a function')
}

function anObjectWith<T>(...methods: readonly string[]) {
  return z.custom<T>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((method) => typeof Reflect.get(value, method) === 'function'),
    `expected an object with ${methods.join(', ')}`,
  )
}

const name = z.string().min(1)
const names = z.union([name, z.array(name).min(1)], 'expected a string or a list of strings')
const milliseconds = z.number().int().min(1).max(2_147_483_647)

const reader = z
  .custom<ClaimReader>(
    (value) =>
      typeof value === 'function' ||
      (typeof value === 'string' && value.length > 0) ||
      (Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === 'string' && part.length > 0)),
    'expected a claim name, a dotted path, a list of names or a function',
  )
  .refine(
    (value) => typeof value !== 'string' || !value.includes('://'),
    "a dotted path can't hold a URL; give a list of names: ['https://…', 'id']",
  )

const readers = z.strictObject({
  tenant: reader.optional(),
  user: reader.optional(),
  roles: reader.optional(),
  permissions: reader.optional(),
  actor: reader.optional(),
  sameTenant: z.array(reader).optional(),
})

const keys = z
  .strictObject({
    jwksUrl: z.union([name, z.instanceof(URL)], 'expected a URL').optional(),
    allowHttp: z.boolean().optional(),
    jwks: z.looseObject({ keys: z.array(z.looseObject({})).min(1) }).optional(),
    pem: name.optional(),
    secret: z
      .union([z.string(), z.instanceof(Uint8Array), aFunction<() => string | Promise<string>>()], {
        error: 'expected a string, bytes or a function that returns a string',
      })
      .optional(),
  })
  .superRefine((value, context) => {
    const kinds = ['jwksUrl', 'jwks', 'pem', 'secret'].filter((kind) => Reflect.get(value, kind) !== undefined)
    if (kinds.length !== 1) {
      // An undefined value usually comes from an environment variable that is not set.
      const empty = Object.keys(value).filter((kind) => Reflect.get(value, kind) === undefined)
      const why = kinds.length === 0 && empty.length > 0 ? `${empty.join(', ')} is undefined; ` : ''
      context.addIssue({
        code: 'custom',
        message: `${why}give exactly one of jwksUrl, jwks, pem, secret; kinds are never mixed`,
      })
    }
    if (value.jwksUrl !== undefined) {
      const problem = problemOfUrl(value.jwksUrl, value.allowHttp === true)
      if (problem !== undefined) context.addIssue({ code: 'custom', path: ['jwksUrl'], message: problem })
    }
  })

const algorithmList = z.array(z.enum(ALGORITHMS)).min(1)

const issuer = z
  .strictObject({
    keys,
    algorithms: algorithmList,
    audience: names.optional(),
    authorizedParty: names.optional(),
    clientId: names.optional(),
    keysAreForThisServiceOnly: z.boolean().optional(),
    tenants: z
      .union([z.array(name), aFunction<(tenantClaim: string) => boolean | Promise<boolean>>()], {
        error: 'expected a list of tenant claims or a function',
      })
      .optional(),
    preset: z.enum(PRESET_NAMES).optional(),
    claims: readers.optional(),
    typ: names.optional(),
    tokenUse: z.enum(['access', 'id']).optional(),
    maxLifetimeSeconds: z.number().int().min(1).optional(),
    allowUserEditableTenantClaim: z.boolean().optional(),
  })
  .superRefine(
    (value, context) => {
      for (const [path, message] of problemsOfIssuer(value)) context.addIssue({ code: 'custom', path: [path], message })
    },
    // Also runs if other parts are invalid, so that all problems are reported at once.
    { when: ({ value }) => isRecord(value) },
  )

export type ParsedIssuer = z.infer<typeof issuer>

/** The schema of the options after the options of a single issuer were turned into a map with one entry. */
export const optionsSchema = z
  .strictObject({
    issuers: z.record(name, issuer).refine((value) => Object.keys(value).length > 0, 'name at least one issuer'),
    cache: z
      .strictObject({
        maxEntries: z.number().int().min(0).max(10_000_000).optional(),
        ttlMs: z.number().int().min(1).max(60_000).optional(),
      })
      .optional(),
    keyRefresh: z
      .strictObject({
        refreshMs: milliseconds.optional(),
        maxStaleMs: milliseconds.optional(),
        unknownKeyCooldownMs: milliseconds.optional(),
        timeoutMs: milliseconds.optional(),
        retryMs: milliseconds.optional(),
      })
      .optional(),
    authorize: aFunction<(question: never) => unknown>().optional(),
    authorizeTimeoutMs: milliseconds.optional(),
    clockToleranceSeconds: z.number().int().min(0).max(60).optional(),
    maxTokenBytes: z.number().int().min(256).max(65_536).optional(),
    now: aFunction<() => number>().optional(),
    events: anObjectWith<SecurityEvents>('emit', 'on').optional(),
    logger: anObjectWith<Logger>('debug', 'info', 'warn', 'error').optional(),
    claims: aFunction<(raw: never) => unknown>().optional(),
  })
  .superRefine(
    (value, context) => {
      const entries = Object.entries(value.issuers)
      const secrets = new Set<string>()
      for (const [iss, { tenants, keys: issuerKeys }] of entries) {
        if (entries.length > 1 && tenants === undefined) {
          const message = 'with more than one issuer each must name its tenants (a list or a function)'
          context.addIssue({ code: 'custom', path: ['issuers', iss, 'tenants'], message })
        }
        const { secret } = issuerKeys
        if (secret === undefined || typeof secret === 'function') continue
        const digest = createHash('sha256').update(secret).digest('hex')
        if (secrets.has(digest)) {
          const message = 'another issuer has the same secret, so each could sign as the other'
          context.addIssue({ code: 'custom', path: ['issuers', iss, 'keys', 'secret'], message })
        }
        secrets.add(digest)
      }
    },
    {
      when: ({ value }) =>
        isRecord(value) && z.record(name, z.looseObject({ keys })).safeParse(value['issuers']).success,
    },
  )

export type ParsedOptions = z.infer<typeof optionsSchema>

/** Finds problems of an issuer that its schema does not find. Skips values of a wrong type, because the schema reports these. */
function problemsOfIssuer(value: ParsedIssuer): [path: string, message: string][] {
  const problems: [string, string][] = []
  const { audience, authorizedParty, clientId, preset } = value
  const noAudience = audience === undefined && authorizedParty === undefined && clientId === undefined
  if (noAudience && value.keysAreForThisServiceOnly !== true) {
    problems.push(['audience', 'give audience, authorizedParty or clientId, or tokens for other services pass'])
  }
  const { data: claims, success } = readers.optional().safeParse(value.claims)
  const tenant = claims?.tenant
  if (success && preset === undefined && tenant === undefined) {
    problems.push(['claims', 'give a preset, or claims.tenant: the claim that names the tenant'])
  }
  if (tenant !== undefined && typeof tenant !== 'function' && isUserEditable(tenant)) {
    if (value.allowUserEditableTenantClaim !== true) {
      const cure = 'forbid that at the provider, then set allowUserEditableTenantClaim: true'
      problems.push(['claims', `claims.tenant is a claim that users can edit at common providers; ${cure}`])
    }
  }
  const comparable = algorithmList.safeParse(value.algorithms).success && keys.safeParse(value.keys).success
  if (comparable) problems.push(...problemsOfKeys(value))
  return problems
}

function problemsOfKeys({ keys: given, algorithms }: ParsedIssuer): [path: string, message: string][] {
  const shared = algorithms.filter(isSymmetric)
  if (given.secret === undefined) {
    if (shared.length > 0)
      return [['algorithms', 'HS256, HS384 and HS512 need keys.secret; public keys are no secrets']]
    if (given.pem !== undefined) return problemsOfStatic(() => readPem(given.pem ?? ''), algorithms, 'keys.pem')
    const { jwks } = given
    if (jwks === undefined) return []
    const { keys: set, problems } = readJwks(jwks, false)
    const broken = problems.map((problem): [string, string] => ['keys', `jwks: ${problem}`])
    return [...broken, ...problemsOfStatic(() => set, algorithms, 'keys.jwks')]
  }
  if (shared.length !== algorithms.length) return [['algorithms', 'keys.secret goes with HS256, HS384 and HS512 only']]
  const problem = typeof given.secret === 'function' ? undefined : problemOfSecret(given.secret, algorithms)
  return problem === undefined ? [] : [['keys', `secret: ${problem}`]]
}

function problemsOfStatic(
  read: () => KeySet,
  algorithms: ParsedIssuer['algorithms'],
  what: string,
): [path: string, message: string][] {
  let set: KeySet
  try {
    set = read()
  } catch (error) {
    const why = error instanceof TypeError ? `: ${error.message}` : ''
    return [['keys', `${what} must be a public key or a certificate${why}`]]
  }
  return algorithms
    .filter((algorithm) => !set.all().some((key) => keyFitsAlgorithm(key, algorithm)))
    .map((algorithm) => ['algorithms', `no key in ${what} fits ${algorithm} (kind, curve, at least 2048 bits)`])
}

/** @returns why a secret can't be used, or undefined */
export function problemOfSecret(
  secret: string | Uint8Array,
  algorithms: ParsedIssuer['algorithms'],
): string | undefined {
  const bytes = typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret
  const least = minSecretBytes(algorithms)
  if (bytes.byteLength < least) return `at least ${least} bytes are needed`
  if (bytes.every((byte) => byte === 0)) return 'all its bytes are 0; fill it with random ones'
  return Buffer.from(bytes).includes('-----BEGIN') ? 'a PEM is no secret; public keys go into keys.pem' : undefined
}

function problemOfUrl(given: string | URL, allowHttp: boolean): string | undefined {
  if (!URL.canParse(String(given))) return 'expected a URL'
  const url = new URL(given)
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or a password'
  if (url.protocol === 'https:') return undefined
  if (url.protocol !== 'http:') return 'must be https'
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  return isLoopback || allowHttp ? undefined : 'must be https (allowHttp: true for plain http in a network you trust)'
}
