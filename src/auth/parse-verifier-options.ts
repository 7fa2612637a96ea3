import { parseOptions } from '../config/parse-options.ts'
import { ConfigurationError, isPartywallError } from '../errors.ts'
import type { CommonOptions } from './options.ts'
import { optionsSchema, type ParsedOptions } from './options-schema.ts'
import { isRecord } from './strict-json.ts'

const NAME = 'createTokenVerifier(options)'

/**
 * Checks the options of a verifier. The options of a single issuer become a map with one entry. Problems are reported under the names that
 * the caller used.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with all problems at once
 */
export function parseVerifierOptions(options: unknown): ParsedOptions {
  if (!isRecord(options) || !Object.hasOwn(options, 'issuer')) return parseOptions(optionsSchema, options, NAME)
  const { issuer } = options
  const named = typeof issuer === 'string' && issuer !== ''
  const problems = named ? [] : ['issuer: must be the exact iss of its tokens, a text that is not empty']
  try {
    const parsed = parseOptions(optionsSchema, asMap(options, named ? issuer : 'issuer'), NAME)
    if (named) return parsed
  } catch (error) {
    if (!isPartywallError(error) || !Array.isArray(error.details['problems'])) throw error
    const prefix = `issuers.${named ? issuer : 'issuer'}.`
    problems.push(...error.details['problems'].map((problem) => asWritten(String(problem), prefix)))
  }
  throw new ConfigurationError(`${NAME} is not valid:\n  ${problems.join('\n  ')}`, { details: { problems } })
}

function asWritten(problem: string, prefix: string): string {
  if (!problem.startsWith(prefix)) return problem
  const own = problem.slice(prefix.length)
  return own.startsWith('claims')
    ? `tenantClaims${own.slice('claims'.length)}`.replaceAll(' claims.', ' tenantClaims.')
    : own
}

function asMap(options: Record<string, unknown>, name: string): unknown {
  const { issuer: _, tenantClaims, ...rest } = options
  const common: Record<string, unknown> = {}
  const own: Record<string, unknown> = { claims: tenantClaims }
  for (const [option, value] of Object.entries(rest)) (COMMON.has(option) ? common : own)[option] = value
  return { ...common, issuers: { [name]: own } }
}

const COMMON_NAMES: Readonly<Record<keyof CommonOptions | 'claims' | 'issuers', true>> = {
  cache: true,
  keyRefresh: true,
  authorize: true,
  authorizeTimeoutMs: true,
  clockToleranceSeconds: true,
  maxTokenBytes: true,
  now: true,
  events: true,
  logger: true,
  claims: true,
  issuers: true,
}
const COMMON: ReadonlySet<string> = new Set(Object.keys(COMMON_NAMES))
