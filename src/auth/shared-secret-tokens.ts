import { errors, jwtVerify } from 'jose'
import { z } from 'zod'
import { parseOptions } from '../config/parse-options.ts'
import type { OwnPrincipal, OwnVerifierOptions } from './own-verifier.ts'

/** Options of {@link sharedSecretTokens}. Each claim is the name of a member at the top level of the token. */
export interface SharedSecretTokenOptions {
  /** The secret with which the application signs its own tokens; at least 32 bytes. */
  readonly secret: string | undefined
  /** Default: `HS256`. */
  readonly algorithms?: readonly ('HS256' | 'HS384' | 'HS512')[] | undefined
  /** The claim that names the tenant: a text or a whole number. */
  readonly tenant: string
  /** The claim that names the user; default `sub`. */
  readonly user?: string | undefined
  /** The claim with the user's role or roles. Default: none. */
  readonly roles?: string | undefined
}

const name = z.string().min(1)
const optionsSchema = z.strictObject({
  secret: z.string().refine((secret) => Buffer.byteLength(secret) >= 32, 'must have at least 32 bytes'),
  algorithms: z
    .array(z.enum(['HS256', 'HS384', 'HS512']))
    .min(1)
    .optional(),
  tenant: name,
  user: name.optional(),
  roles: name.optional(),
})

/**
 * `auth.verify` for tokens that the application signs itself with a secret, and that name no issuer and no audience.
 *
 * The token must have an expiry, a user and exactly one tenant; anything else is refused. Use `auth.issuer` if your tokens name an issuer and
 * an audience, because these also keep tokens of other services out.
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
  const key = new TextEncoder().encode(parsed.secret)
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, key, { algorithms, requiredClaims: ['exp'] })
      return principalOf(payload, { tenant, user, roles })
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    }
  }
}

function principalOf(
  payload: { readonly exp?: number; readonly iat?: number; readonly jti?: string; readonly [claim: string]: unknown },
  claims: { readonly tenant: string; readonly user: string; readonly roles: string | undefined },
): OwnPrincipal | undefined {
  const own = (claim: string) => (Object.hasOwn(payload, claim) ? payload[claim] : undefined)
  const tenant = idOf(own(claims.tenant))
  const userId = idOf(own(claims.user))
  const roles = claims.roles === undefined ? [] : rolesOf(own(claims.roles))
  if (tenant === undefined || userId === undefined || roles === undefined || payload.exp === undefined) return undefined
  return {
    tenant,
    userId,
    roles,
    expiresAt: new Date(payload.exp * 1000),
    ...(payload.iat === undefined ? {} : { issuedAt: new Date(payload.iat * 1000) }),
    ...(payload.jti === undefined ? {} : { credentialId: payload.jti }),
  }
}

/** Serial keys are numbers in many tokens. A list, an object and a fraction name no tenant. */
function idOf(value: unknown): string | undefined {
  if (typeof value === 'string' && value !== '') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : undefined
}

function rolesOf(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return []
  if (typeof value === 'string') return [value]
  const isList = Array.isArray(value) && value.every((role: unknown): role is string => typeof role === 'string')
  return isList ? value : undefined
}
