import { readFile } from 'node:fs/promises'
import { text as readStream } from 'node:stream/consumers'
import { z } from 'zod'
import { ALGORITHMS } from '../../src/auth/algorithms.ts'
import { type ExplainedCheck, type ExplainedToken, explainToken } from '../../src/auth/explain-token.ts'
import type { IssuerKeys } from '../../src/auth/options.ts'
import { PRESET_NAMES } from '../../src/auth/presets/all.ts'
import { parseOptions } from '../../src/config/parse-options.ts'
import { ConfigurationError } from '../../src/errors.ts'
import { cureOfToken } from '../../src/partywall/refusal-cures.ts'
import { checkUrl } from '../shared/database-url.ts'
import { environment } from '../shared/environment.ts'
import { paint } from '../shared/terminal.ts'
import { askDirectory, type DirectoryAnswer } from './token-directory.ts'

const text = z.string().min(1)
const schema = z.strictObject({
  token: text.optional(),
  issuer: text,
  jwksUrl: text.optional(),
  jwks: text.optional(),
  publicKey: text.optional(),
  secretEnv: text.optional(),
  algorithm: z.array(z.enum(ALGORITHMS)).default(['ES256']),
  audience: text,
  preset: z.enum(PRESET_NAMES).optional(),
  tenantClaim: text.optional(),
  rolesClaim: text,
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
  const { preset, tenantClaim, rolesClaim, maxLifetime } = options
  const explained = await explainToken(token, {
    issuer: options.issuer,
    keys: await keysOf(options),
    algorithms: options.algorithm,
    audience: options.audience,
    ...(preset === undefined ? {} : { preset }),
    ...(preset !== undefined && tenantClaim === undefined
      ? {}
      : { tenantClaims: { tenant: tenantClaim ?? 'org_id', roles: rolesClaim } }),
    ...(maxLifetime === undefined ? {} : { maxLifetimeSeconds: maxLifetime }),
  })
  const claim = explained.identity?.tenantClaim
  const directory =
    options.databaseUrl === undefined || claim === undefined
      ? undefined
      : await askDirectory(options.databaseUrl, environment(options.sealSecretEnv), claim)
  const verdict = verdictOf(explained, directory)
  if (options.json) print(JSON.stringify({ verdict, ...explained, directory }, undefined, 2))
  else printChecks(explained, directory, verdict, print)
  process.exitCode = EXIT[verdict]
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
  return accepted && (directory === undefined || directory.verdict === 'ok') ? 'accepted' : 'refused'
}

const MARKS = {
  ok: { mark: '✓', colour: 'green' },
  refused: { mark: '✗', colour: 'red' },
  'not-checked': { mark: '–', colour: 'yellow' },
} as const

function printChecks(
  { checks }: ExplainedToken,
  directory: DirectoryAnswer | undefined,
  verdict: keyof typeof EXIT,
  print: (line: string) => void,
): void {
  for (const check of checks) {
    const { mark, colour } = MARKS[check.verdict]
    print(`${paint(colour, mark)} ${check.check.padEnd(14)} ${valuesOf(check)}`.trimEnd())
    for (const line of reasonsOf(check)) print(`    ${line}`)
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

function reasonsOf({ verdict, reason, claim, fact }: ExplainedCheck): readonly string[] {
  if (verdict === 'ok') return []
  if (reason === undefined) return [fact ?? 'Not checked, because the issuer is unknown.']
  return [
    `${reason}${claim === undefined ? '' : ` (${claim})`}${fact === undefined ? '' : `: ${fact}`}`,
    cureOfToken(reason),
  ]
}
