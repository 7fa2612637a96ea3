import { errors, type JWTPayload, jwtVerify } from 'jose'
import { z } from 'zod'
import { parseOptions } from '../config/parse-options.ts'
import { type ClaimPath, compileReader } from './claim-path.ts'
import type { OwnPrincipal, OwnVerifierOptions } from './own-verifier.ts'

/** Options of {@link sharedSecretTokens}. A claim is a name, a dotted path (`user.id`), or a list of names if a name contains a dot. */
export interface SharedSecretTokenOptions {
  /** The secret with which the application signs its own tokens; at least 32 bytes. */
  readonly secret: string | undefined
  /** Default: `HS256`. */
  readonly algorithms?: readonly ('HS256' | 'HS384' | 'HS512')[] | undefined
  /** The claim that names the tenant: a text or a whole number. */
  readonly tenant: ClaimPath
  /** The claim that names the user; default `sub`. */
  readonly user?: ClaimPath | undefined
  /** The claim with the user's role or roles. Default: none. */
  readonly roles?: ClaimPath | undefined
}

const name = z.string().min(1)
const path = z.union(
  [
    name.refine(
      (text) => !text.includes('://'),
      "a dotted path can't hold a URL; give a list of names: ['https://…', 'id']",
    ),
    z.array(name).min(1).readonly(),
  ],
  'expected a claim name, a dotted path or a list of names',
)
const optionsSchema = z.strictObject({
  secret: z.string().refine((secret) => Buffer.byteLength(secret) >= 32, 'must have at least 32 bytes'),
  algorithms: z
    .array(z.enum(['HS256', 'HS384', 'HS512']))
    .min(1)
    .optional(),
  tenant: path,
  user: path.optional(),
  roles: path.optional(),
})

/**
 * Makes an `auth.verify` function for tokens that the application signs itself with a secret, and that name no issuer and no audience.
 *
 * The token must have an expiry, a user and exactly one tenant; anything else is refused. Use `auth.issuer` if your tokens name an issuer
 * and an audience, because the checks of both also refuse tokens of other services.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` for a secret that is too short
 * @example
 * ```ts
 * createPartywall({ …, auth: { verify: sharedSecretTokens({ secret: process.env.JWT_SECRET, tenant: 'org_id', roles: 'role' }) } })
 * ```
 * @see RFC 8725 sections 3.1 (algorithms), 3.5 (key entropy) and 3.9 (audience)
 */
export function sharedSecretTokens(options: SharedSecretTokenOptions): OwnVerifierOptions['verify'] {
  const parsed = parseOptions(optionsSchema, options, 'sharedSecretTokens(options)')
  const { algorithms = ['HS256'], tenant, user = 'sub', roles } = parsed
  const readers = {
    tenant: compileReader(tenant),
    user: compileReader(user),
    roles: roles === undefined ? () => undefined : compileReader(roles),
  }
  const key = new TextEncoder().encode(parsed.secret)
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, key, { algorithms, requiredClaims: ['exp'] })
      return principalOf(payload, readers)
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    }
  }
}

type ReadClaim = ReturnType<typeof compileReader>

function principalOf(
  payload: JWTPayload,
  claims: { readonly tenant: ReadClaim; readonly user: ReadClaim; readonly roles: ReadClaim },
): OwnPrincipal | undefined {
  const tenant = idOf(claims.tenant(payload))
  const userId = idOf(claims.user(payload))
  const roles = rolesOf(claims.roles(payload))
  if (tenant === undefined || userId === undefined || roles === undefined || payload.exp === undefined) return undefined
  if (!isMoment(payload.exp) || !isMoment(payload.iat ?? 0)) return undefined
  return {
    tenant,
    userId,
    roles,
    expiresAt: new Date(payload.exp * 1000),
    ...(payload.iat === undefined ? {} : { issuedAt: new Date(payload.iat * 1000) }),
    ...(payload.jti === undefined ? {} : { credentialId: payload.jti }),
  }
}

/** Whether a JavaScript Date can be this many seconds after 1970 (ECMAScript, “Time Values”: ±8.64e15 ms). */
export function isMoment(seconds: number): boolean {
  return !Number.isNaN(new Date(seconds * 1000).getTime())
}

/** Reads an id as text. Many tokens contain serial keys as numbers. A list, an object and a fraction are no ids. */
export function idOf(value: unknown): string | undefined {
  if (typeof value === 'string' && value !== '') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : undefined
}

/** The roles of a claim that is absent, one name, or a list of names. Undefined for anything else. */
export function rolesOf(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return []
  if (typeof value === 'string') return [value]
  const isList = Array.isArray(value) && value.every((role: unknown): role is string => typeof role === 'string')
  return isList ? value : undefined
}
