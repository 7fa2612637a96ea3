import type { RawClaims } from '../strict-json.ts'

/** How one provider's tokens are read, according to the provider's documentation. */
export interface Preset {
  readonly tenant: (claims: RawClaims) => unknown
  readonly user: (claims: RawClaims) => unknown
  readonly roles: (claims: RawClaims) => unknown
  readonly permissions: (claims: RawClaims) => unknown
  /** Refuses other kinds of tokens, and tokens of a session that is not active. */
  readonly check: (claims: RawClaims) => void
  /** Whether `check` distinguishes access tokens from ID tokens, so that the general check is skipped. */
  readonly knowsTokenUse: boolean
}
