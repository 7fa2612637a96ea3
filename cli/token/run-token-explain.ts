import { readFile } from 'node:fs/promises'
import { text as readStream } from 'node:stream/consumers'
import { z } from 'zod'
import { ALGORITHMS } from '../../src/auth/algorithms.ts'
import { explainSharedSecretToken } from '../../src/auth/explain-shared-secret-token.ts'
import { type ExplainedCheck, type ExplainedToken, explainToken } from '../../src/auth/explain-token.ts'
import type { IssuerKeys } from '../../src/auth/options.ts'
import { PRESET_NAMES } from '../../src/auth/presets/all.ts'
import { parseOptions } from '../../src/config/parse-options.ts'
import { ConfigurationError } from '../../src/errors.ts'
import { cureOfSharedSecretToken, cureOfToken } from '../../src/partywall/refusal-cures.ts'
import { checkUrl } from '../shared/database-url.ts'
import { environment } from '../shared/environment.ts'
import { paint } from '../shared/terminal.ts'
import { AUDIENCE, ISSUER } from './development-names.ts'
import { askDirectory, type DirectoryAnswer } from './token-directory.ts'

const text = z.string().min(1)
const schema = z.strictObject({
  token: text.optional(),
  issuer: text.optional(),
  jwksUrl: text.optional(),
  jwks: text.optional(),
  publicKey: text.optional(),
  secretEnv: text.optional(),
  algorithm: z.array(z.enum(ALGORITHMS)).min(1).optional(),
  audience: text.optional(),
  preset: z.enum(PRESET_NAMES).optional(),
  tenantClaim: text.optional(),
  userClaim: text.optional(),
  rolesClaim: text.optional(),
  maxLifetime: z.coerce.number('must be a number of seconds').int().positive().optional(),
  databaseUrl: text.optional(),
  sealSecretEnv: text,
  json: z.boolean().default(false),
})
type Flags = z.infer<typeof schema>

const EXIT = { accepted: 0, refused: 1, unknown: 2 } as const

/**
 * `partywall token explain`.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` for missing keys, a file that can't be read, and wrong options
 */
export async function explain(flags: unknown, print: (line: string) => void): Promise<void> {
  const options = parseOptions(schema, flags, 'partywall token explain')
  if (options.databaseUrl !== undefined) checkUrl('--database-url', options.databaseUrl)
  const token = (options.token ?? (await readStream(process.stdin))).trim()
  const isShared = options.secretEnv !== undefined && options.issuer === undefined
  const explained = isShared ? await explainShared(token, options) : await explainOfIssuer(token, options)
  const claim = explained.identity?.tenantClaim
  const directory =
    options.databaseUrl === undefined || claim === undefined
      ? undefined
      : await askDirectory(options.databaseUrl, environment(options.sealSecretEnv), claim)
  const verdict = verdictOf(explained, directory)
  if (options.json) print(JSON.stringify({ verdict, ...explained, directory }, undefined, 2))
  else printChecks(explained, { directory, verdict, cureOf: isShared ? cureOfSharedSecretToken : cureOfToken }, print)
  process.exitCode = EXIT[verdict]
}

async function explainOfIssuer(token: string, options: Flags): Promise<ExplainedToken> {
  const { preset, tenantClaim, userClaim, rolesClaim, maxLifetime } = options
  if (userClaim !== undefined)
    throw new ConfigurationError(
      '--user-claim belongs to sharedSecretTokens. The user of an issuer is in the claim sub.',
    )
  return explainToken(token, {
    issuer: options.issuer ?? ISSUER,
    keys: await keysOf(options),
    algorithms: options.algorithm ?? [options.secretEnv === undefined ? 'ES256' : 'HS256'],
    audience: options.audience ?? AUDIENCE,
    ...(preset === undefined ? {} : { preset }),
    ...(preset !== undefined && tenantClaim === undefined
      ? {}
      : { tenantClaims: { tenant: tenantClaim ?? 'org_id', roles: rolesClaim ?? 'roles' } }),
    ...(maxLifetime === undefined ? {} : { maxLifetimeSeconds: maxLifetime }),
  })
}

/** The checks of `auth.verify: sharedSecretTokens(options)`. */
async function explainShared(token: string, options: Flags): Promise<ExplainedToken> {
  const {
    audience,
    preset,
    maxLifetime,
    algorithm = ['HS256'],
    tenantClaim = 'org_id',
    userClaim,
    rolesClaim,
  } = options
  const ofIssuer = { '--audience': audience, '--preset': preset, '--max-lifetime': maxLifetime }
  const [given] = Object.entries(ofIssuer).find(([, value]) => value !== undefined) ?? []
  if (given !== undefined)
    throw new ConfigurationError(
      `${given} is a setting of an issuer, and sharedSecretTokens has none. Leave it out, or give --issuer too if auth.issuer is set.`,
    )
  const algorithms = algorithm.filter(isHmac)
  if (algorithms.length < algorithm.length)
    throw new ConfigurationError(
      `--algorithm ${algorithm.join(', ')}: tokens with a shared secret are signed with ${HMAC.join(', ')}.`,
    )
  const keys = await keysOf(options)
  return explainSharedSecretToken(token, {
    secret: 'secret' in keys && typeof keys.secret === 'string' ? keys.secret : undefined,
    algorithms,
    tenant: tenantClaim,
    user: userClaim,
    roles: rolesClaim,
  })
}

const HMAC = ['HS256', 'HS384', 'HS512'] as const

function isHmac(algorithm: string): algorithm is (typeof HMAC)[number] {
  return HMAC.some((name) => name === algorithm)
}

async function keysOf({ jwksUrl, jwks, publicKey, secretEnv }: Flags): Promise<IssuerKeys> {
  const given = [jwksUrl, jwks, publicKey, secretEnv].filter((source) => source !== undefined)
  if (given.length !== 1)
    throw new ConfigurationError('Give the keys of the issuer: one of --jwks-url, --jwks, --public-key, --secret-env.')
  if (jwksUrl !== undefined) return { jwksUrl }
  if (publicKey !== undefined) return { pem: await readKeys(publicKey) }
  if (jwks !== undefined) return { jwks: parseJwks(jwks, await readKeys(jwks)) }
  const secret = environment(secretEnv ?? '')
  if (secret === undefined) throw new ConfigurationError(`${secretEnv} is not set: it holds the secret.`)
  return { secret }
}

async function readKeys(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ConfigurationError(`The keys in ${path} could not be read.`, { cause })
  })
}

function parseJwks(path: string, content: string): { readonly keys: readonly object[] } {
  try {
    return JSON.parse(content)
  } catch (cause) {
    throw new ConfigurationError(`${path} is not JSON.`, { cause })
  }
}

function verdictOf({ accepted }: ExplainedToken, directory: DirectoryAnswer | undefined): keyof typeof EXIT {
  if (accepted === undefined) return 'unknown'
  return accepted && directory?.verdict !== 'refused' ? 'accepted' : 'refused'
}

const MARKS = {
  ok: { mark: '✓', colour: 'green' },
  refused: { mark: '✗', colour: 'red' },
  'not-checked': { mark: '–', colour: 'yellow' },
} as const

interface Judged {
  readonly directory: DirectoryAnswer | undefined
  readonly verdict: keyof typeof EXIT
  readonly cureOf: (reason: string, fact?: string) => string
}

function printChecks(
  { checks }: ExplainedToken,
  { directory, verdict, cureOf }: Judged,
  print: (line: string) => void,
): void {
  for (const check of checks) {
    const { mark, colour } = MARKS[check.verdict]
    print(`${paint(colour, mark)} ${check.check.padEnd(14)} ${valuesOf(check)}`.trimEnd())
    for (const line of reasonsOf(check, cureOf)) print(`    ${line}`)
  }
  if (directory !== undefined) {
    const { mark, colour } = MARKS[directory.verdict]
    print(`${paint(colour, mark)} ${'directory'.padEnd(14)} ${directory.sentence}`)
  }
  print('')
  print(paint(verdict === 'accepted' ? 'green' : verdict === 'refused' ? 'red' : 'yellow', SENTENCES[verdict]))
}

const SENTENCES = {
  accepted: 'The verifier accepts this token.',
  refused: 'The verifier refuses this token.',
  unknown: 'Not known: the keys of the issuer could not be fetched.',
} as const

function valuesOf({ check, values }: ExplainedCheck): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${check === 'times' ? moment(value) : shown(value)}`)
    .join(', ')
}

/**
 * Returns a value as JSON. Escapes characters that could control the terminal or change the direction of text, because an attacker may have
 * made the token.
 */
function shown(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** A NumericDate (RFC 7519) as a date, which people can compare with their clock. */
function moment(value: unknown): string {
  const date = typeof value === 'number' ? new Date(value * 1000) : undefined
  return date === undefined || Number.isNaN(date.getTime()) ? shown(value) : date.toISOString()
}

function reasonsOf({ verdict, reason, claim, fact }: ExplainedCheck, cureOf: Judged['cureOf']): readonly string[] {
  if (verdict === 'ok') return []
  if (reason === undefined) return [fact ?? 'Not checked, because the issuer is unknown.']
  return [
    `${reason}${claim === undefined ? '' : ` (${claim})`}${fact === undefined ? '' : `: ${fact}`}`,
    cureOf(reason, fact),
  ]
}
