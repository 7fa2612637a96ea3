import type { Actor } from '../context/tenant-context.ts'

/** The content of a token after all checks. Frozen. */
export interface VerifiedToken<Claims> {
  /** The `iss`, exactly as configured. */
  readonly issuer: string
  /** The raw claim; the tenant directory turns it into the tenant's canonical id. */
  readonly tenantClaim: string
  readonly userId: string
  readonly roles: readonly string[]
  /**
   * The token's permissions. They narrow the permissions of the roles, and never widen them. Undefined: the token has no such claim. An
   * empty claim leaves no permission.
   */
  readonly permissions: readonly string[] | undefined
  /** The actor, if staff act for the user. */
  readonly actor?: Actor
  /** The `jti`. */
  readonly tokenId?: string
  /** Time of issue, in milliseconds since 1970. Undefined if a verifier of your own does not know it. */
  readonly issuedAt?: number
  /** Time of expiry, in milliseconds since 1970. */
  readonly expiresAt: number
  readonly claims: Claims
}
