import { DependencyUnavailableError, isPartywallError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import type { Algorithm } from './algorithms.ts'
import type { ClaimRules } from './claim-rules.ts'
import { normalizeType } from './header-rules.ts'
import { compileIdentity, type ReadIdentity } from './identity.ts'
import { fetchJwks } from './jwks-fetch.ts'
import { readJwks, readPem, readSecret } from './key-set.ts'
import { type KeySource, staticKeys } from './key-source.ts'
import { type ParsedIssuer, problemOfSecret } from './options-schema.ts'
import { PRESETS } from './presets/all.ts'
import type { Preset } from './presets/preset.ts'
import { type RefreshTimes, refreshedKeys } from './refreshed-keys.ts'
import { TokenRefusedError } from './refusal.ts'

/** One issuer, ready to judge tokens. */
export interface Issuer extends ClaimRules {
  readonly name: string
  readonly keys: KeySource
  readonly algorithms: readonly Algorithm[]
  readonly types: ReadonlySet<string> | undefined
  readonly preset: Preset | undefined
  readonly readIdentity: ReadIdentity
  /** @throws {TokenRefusedError} `tenant-not-of-issuer` */
  readonly checkTenant: (tenantClaim: string) => Promise<void>
}

/** Settings that all issuers share. */
interface IssuerSurroundings {
  readonly times: RefreshTimes
  readonly now: () => number
  readonly logger: Logger
  readonly events: SecurityEvents | undefined
  readonly onKeysWithdrawn: (issuer: string) => void
}

const DEFAULT_MAX_LIFETIME_SECONDS = 86_400

/** Builds an issuer from checked options. Opens no connection: remote keys are fetched at first use. */
export function buildIssuer(name: string, options: ParsedIssuer, surroundings: IssuerSurroundings): Issuer {
  const preset = options.preset === undefined ? undefined : PRESETS[options.preset]
  return {
    name,
    keys: buildKeys(name, options, surroundings),
    algorithms: options.algorithms,
    types: asList(options.typ) && new Set(asList(options.typ)?.map(normalizeType)),
    audience: asList(options.audience),
    authorizedParty: asList(options.authorizedParty),
    clientId: asList(options.clientId),
    tokenUse: options.tokenUse ?? 'access',
    presetKnowsTokenUse: preset?.knowsTokenUse ?? false,
    maxLifetimeSeconds: options.maxLifetimeSeconds ?? DEFAULT_MAX_LIFETIME_SECONDS,
    preset,
    readIdentity: compileIdentity(preset, options.claims),
    checkTenant: tenantCheck(options.tenants),
  }
}

function buildKeys(name: string, options: ParsedIssuer, surroundings: IssuerSurroundings): KeySource {
  const { jwksUrl, jwks, pem, secret } = options.keys
  if (pem !== undefined) return staticKeys(readPem(pem))
  if (jwks !== undefined) return staticKeys(readJwks(jwks, false).keys)
  const refreshed = { ...surroundings.times, ...surroundings, onWithdrawn: () => surroundings.onKeysWithdrawn(name) }
  if (jwksUrl !== undefined) {
    const url = new URL(jwksUrl)
    const load = (signal: AbortSignal) => fetchJwks(url, signal, surroundings.logger)
    return refreshedKeys({ ...refreshed, dependency: `jwks ${url.origin}`, load })
  }
  if (typeof secret !== 'function') return staticKeys(readSecret(secret ?? ''))
  const dependency = `token secret of ${name}`
  return refreshedKeys({
    ...refreshed,
    dependency,
    load: async () => {
      const value: unknown = await secret()
      const problem = typeof value === 'string' ? problemOfSecret(value, options.algorithms) : 'expected a string'
      if (typeof value !== 'string' || problem !== undefined) {
        throw new DependencyUnavailableError(`The ${dependency} can not be used: ${problem}.`, {
          details: { dependency },
        })
      }
      return readSecret(value)
    },
  })
}

function tenantCheck(tenants: ParsedIssuer['tenants']): (tenantClaim: string) => Promise<void> {
  if (tenants === undefined) return async () => {}
  if (typeof tenants !== 'function') {
    const allowed = new Set(tenants)
    return async (tenantClaim) => {
      if (!allowed.has(tenantClaim)) throw new TokenRefusedError('tenant-not-of-issuer')
    }
  }
  return async (tenantClaim) => {
    let answer: unknown
    try {
      answer = await tenants(tenantClaim)
    } catch (error) {
      if (isPartywallError(error)) throw error
      throw new DependencyUnavailableError("The issuer's tenants function threw.", { cause: error })
    }
    if (answer !== true) throw new TokenRefusedError('tenant-not-of-issuer')
  }
}

function asList(value: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof value === 'string' ? [value] : value
}
