import type { RawClaims } from '../strict-json.ts'

/** How one provider's tokens are read. Only shapes that were looked up in the provider's documentation. */
export interface Preset {
  readonly tenant: (claims: RawClaims) => unknown
  readonly user: (claims: RawClaims) => unknown
  readonly roles: (claims: RawClaims) => unknown
  readonly permissions: (claims: RawClaims) => unknown
  /** Refuses what looks right but is another kind of token, or of a session that is not (yet) good. */
  readonly check: (claims: RawClaims) => void
  /** Whether `check` tells access tokens from ID tokens, so that the general marks of ID tokens are not looked at. */
  readonly knowsTokenUse: boolean
}
