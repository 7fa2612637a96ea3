export type { Algorithm } from './algorithms.ts'
export { readBearerToken } from './bearer.ts'
export type { ClaimPath, ClaimReader } from './claim-path.ts'
export type { TokenOrigin, TokenVerifier } from './credential-verifier.ts'
export { createTokenVerifier } from './jwt.ts'
export { type Authorize, type MembershipQuestion, type MembershipTenant, requireMembership } from './membership.ts'
export type {
  ClaimReaders,
  CommonOptions,
  IssuerKeys,
  IssuerOptions,
  KeyRefreshOptions,
  TokenCacheOptions,
  TokenVerifierOptions,
  TypedClaims,
} from './options.ts'
export type { CredentialCall, OwnPrincipal, OwnVerifierOptions } from './own-verifier.ts'
export { PRESET_NAMES, type PresetName } from './presets/all.ts'
export { REFUSAL_REASONS, type RefusalReason } from './refusal.ts'
export { type SharedSecretTokenOptions, sharedSecretTokens } from './shared-secret-tokens.ts'
export type { RawClaims } from './strict-json.ts'
export type { VerifiedToken } from './verified-token.ts'
