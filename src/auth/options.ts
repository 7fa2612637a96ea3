import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import type { Algorithm } from './algorithms.ts'
import type { ClaimReader } from './claim-path.ts'
import type { Authorize } from './membership.ts'
import type { PresetName } from './presets/all.ts'
import type { RawClaims } from './strict-json.ts'

/**
 * The keys of an issuer: exactly one kind. The types allow `undefined`, because an environment variable may be undefined.
 * createTokenVerifier() refuses `undefined` with `PARTYWALL_CONFIGURATION`.
 *
 * `jwksUrl` must be https, or http on loopback; `allowHttp: true` also allows plain http, for a network that you trust.
 */
export type IssuerKeys =
  | { readonly jwksUrl: string | URL | undefined; readonly allowHttp?: boolean | undefined }
  | { readonly jwks: { readonly keys: readonly object[] } }
  | { readonly pem: string | undefined }
  | { readonly secret: string | Uint8Array | (() => string | Promise<string>) | undefined }

/** The claims that contain the identity. */
export interface ClaimReaders {
  readonly tenant?: ClaimReader | undefined
  /** The claim that names the user; default `sub`. */
  readonly user?: ClaimReader | undefined
  /** A list of strings or one string. Default: none. */
  readonly roles?: ClaimReader | undefined
  /** A list of strings, or one string with spaces between (`scope`). Default: none. */
  readonly permissions?: ClaimReader | undefined
  /** The actor, if staff act for a user. Default `act.sub` (RFC 8693). */
  readonly actor?: ClaimReader | undefined
  /** Other claims that must name the same tenant, if a token contains them. */
  readonly sameTenant?: readonly ClaimReader[] | undefined
}

/** Options of one issuer: its keys, algorithms, audience, tenants and claims. */
export interface IssuerOptions {
  readonly keys: IssuerKeys
  /** Exactly the algorithms that the issuer uses. */
  readonly algorithms: readonly Algorithm[]
  /** `aud` must name one of these. At least one of `audience`, `authorizedParty`, `clientId` is needed. */
  readonly audience?: string | readonly string[] | undefined
  /** `azp` must be one of these, for providers without `aud`. */
  readonly authorizedParty?: string | readonly string[] | undefined
  /** `client_id` must be one of these, for providers without `aud`. */
  readonly clientId?: string | readonly string[] | undefined
  /** True: these keys sign only for this service, so no audience is needed (WorkOS: keys per client). */
  readonly keysAreForThisServiceOnly?: boolean | undefined
  /**
   * The tenant claims that this issuer may use. Required with more than one issuer, because otherwise each issuer could name the tenants of
   * the others. `() => true` allows this issuer to name all tenants.
   */
  readonly tenants?: readonly string[] | ((tenantClaim: string) => boolean | Promise<boolean>) | undefined
  readonly preset?: PresetName | undefined
  /** The claims of the identity. Required without a preset; with a preset, they replace parts of it. */
  readonly claims?: ClaimReaders | undefined
  /** The required `typ` of the header. Default: `JWT`, `at+jwt` or none. */
  readonly typ?: string | readonly string[] | undefined
  /** `access` (the default) refuses ID tokens; `id` accepts only ID tokens. */
  readonly tokenUse?: 'access' | 'id' | undefined
  /** The longest `exp - iat`. Default 86_400. */
  readonly maxLifetimeSeconds?: number | undefined
  /** True: users can't change the tenant claim, although its name suggests it (`user_metadata`, `custom:…`, profile claims). */
  readonly allowUserEditableTenantClaim?: boolean | undefined
}

/** The verified-token cache. */
export interface TokenCacheOptions {
  /** Maximum number of entries; default 10_000, 0 turns the cache off. The least recently used entry is removed first. */
  readonly maxEntries?: number | undefined
  /** Lifetime of an entry, which never exceeds the lifetime of its token. Default and maximum 60_000. */
  readonly ttlMs?: number | undefined
}

/** How often remote keys, and secrets that are functions, are fetched again. */
export interface KeyRefreshOptions {
  /** Time between two refreshes. Default 300_000, varied by up to a fifth. */
  readonly refreshMs?: number | undefined
  /** How long known keys are used while their source is down. Default 24 h. */
  readonly maxStaleMs?: number | undefined
  /** How long an unknown key id is refused without another request, after the source has answered. Default 30_000. */
  readonly unknownKeyCooldownMs?: number | undefined
  /** How long one request for the keys may take, in milliseconds; default 5_000. */
  readonly timeoutMs?: number | undefined
  /** Time before a failed request is repeated, in milliseconds. Default 1_000; doubles with each failure, up to 10 seconds. */
  readonly retryMs?: number | undefined
}

/** Options for all issuers together. */
export interface CommonOptions<Claims = RawClaims> {
  readonly cache?: TokenCacheOptions | undefined
  readonly keyRefresh?: KeyRefreshOptions | undefined
  /** Asked by {@link TokenVerifier.authorize} whether the user is still a member. */
  readonly authorize?: Authorize<Claims> | undefined
  /** How long `authorize` may take. Default 5_000. */
  readonly authorizeTimeoutMs?: number | undefined
  /** By how many seconds clocks may differ; at most 60. Default 5. */
  readonly clockToleranceSeconds?: number | undefined
  /** Longer tokens are refused without being parsed. Default 8_192. */
  readonly maxTokenBytes?: number | undefined
  readonly now?: (() => number) | undefined
  readonly events?: SecurityEvents | undefined
  readonly logger?: Logger | undefined
}

/** Options of `createTokenVerifier`: a map of issuers by their exact `iss`, or the options of a single issuer. */
export type TokenVerifierOptions<Claims = RawClaims> = CommonOptions<Claims> &
  (
    | { readonly issuers: Readonly<Record<string, IssuerOptions>> }
    | (Omit<IssuerOptions, 'claims'> & {
        readonly issuer: string | undefined
        readonly tenantClaims?: ClaimReaders | undefined
      })
  )

/** A function that reads the claims. Its result is `VerifiedToken.claims`. If it throws, the token is refused. */
export type TypedClaims<Claims> = { readonly claims: (raw: RawClaims) => Claims }
