import { ENDS_BEFORE_IT_BEGINS } from '../auth/claim-rules.ts'
import type { RefusalReason } from '../auth/refusal.ts'
import type { SecurityEvent } from '../events/security-events.ts'

/** The events of an answer with status 401 or 403. */
export type RefusalEvent = Extract<
  SecurityEvent,
  {
    readonly type:
      | 'AUTHENTICATION_FAILED'
      | 'TOKEN_ATTACK'
      | 'TENANT_REFUSED'
      | 'PERMISSION_DENIED'
      | 'CROSS_TENANT_ACCESS_ATTEMPT'
  }
>

/** Advice for each reason of a 401: what would let the request pass. */
const TOKEN_CURES: Readonly<Record<RefusalReason, string>> = {
  missing:
    'The request has no token where the adapter looks for it: by default in Authorization: Bearer. If the client keeps it elsewhere, such as in a cookie, name the place in the adapter’s option token. If the route needs no tenant, make it public: docs/guides/public-routes.md.',
  malformed: 'The client does not send a signed JWT. It may be an opaque token, a truncated token, or two tokens.',
  'too-large': 'Put less into the token, or raise auth.maxTokenBytes.',
  'non-canonical': 'No honest issuer encodes a token like this. Look for a proxy or a client that rewrites tokens.',
  encrypted: 'The token is encrypted (JWE). Have the provider issue signed tokens (JWS).',
  'duplicate-claim': 'A claim or header parameter occurs twice. No honest issuer does that.',
  'header-forbidden':
    'The header names its own keys or rules, which partywall never follows. Have the issuer leave this header parameter out.',
  algorithm: 'If this issuer is meant to use this algorithm, add the algorithm to auth.algorithms.',
  'unknown-issuer': 'Add the issuer to auth, exactly as in the claim iss, with or without the final slash.',
  'unknown-key':
    'No key of the issuer fits kid and alg. Check jwksUrl, and whether the provider has just changed its keys.',
  signature:
    'The signature was not made with the issuer’s key. The token may be forged, changed, or from another environment.',
  expired: 'The client uses an expired token. Have it request a new one in time, and compare the clocks.',
  'not-yet-valid': 'Correct the clock of this server or of the issuer, or raise auth.clockToleranceSeconds.',
  lifetime: 'Have the provider issue shorter-lived tokens, or raise maxLifetimeSeconds of this issuer.',
  audience:
    'The token is for another service. Request a token for this API from the provider, or name its audience in auth.audience.',
  'token-type': 'This is another kind of token, such as an ID or refresh token. Have the client send the access token.',
  'session-inactive': 'The session is pending: the user has steps to finish at the provider.',
  'claim-missing': 'Have the provider add the claim to its access tokens.',
  'claim-invalid': 'Have the provider fill the claim with a value of the right type.',
  'tenant-missing':
    'Have the provider put the tenant into the claim that tenantClaims.tenant names, or name another claim there.',
  'tenant-invalid': 'The value of the tenant claim can’t be the key of a tenant. Check tenantClaims.tenant.',
  'tenant-ambiguous': 'The token names several tenants. Have the client choose one organisation at the provider.',
  'tenant-not-of-issuer': 'Add the tenant to the option tenants of this issuer, if the issuer may name it.',
  revoked: 'The token or its user was revoked. The user must sign in again.',
  'not-recognised':
    'auth.verify does not recognise the credential. It may have ended, lack a claim that is needed, or come from another environment.',
}

/** Advice for each reason for which a tenant is refused: what would let the request pass. */
export const TENANT_CURES = {
  unknown:
    'The directory has no tenant with the key in the token’s tenant claim. Insert the tenant, or check which claim is read. The option tenantClaims.tenant names the claim; with sharedSecretTokens(), its option tenant does.',
  suspended: 'The tenant’s status is not active. Set it to active if that is a mistake.',
  'not-a-member':
    'The authorize hook says that the user is not a member of the tenant. Add the membership if that is a mistake.',
} as const

/** Returns the reason code of a refusal, and the fix if the refusal is a mistake. Neither contains a value of the request. */
export function explainRefusal(event: RefusalEvent): { readonly reason: string; readonly cure: string } {
  switch (event.type) {
    case 'AUTHENTICATION_FAILED':
    case 'TOKEN_ATTACK':
      return { reason: event.reason, cure: cureOfToken(event.reason, event.fact) }
    case 'TENANT_REFUSED':
      return { reason: event.reason, cure: TENANT_CURES[event.reason] }
    case 'PERMISSION_DENIED':
      return {
        reason: 'permission',
        cure:
          event.source === 'database'
            ? 'PostgreSQL refused the statement because a privilege is missing. If the user should have it, GRANT the privilege to the database role that runs the user’s statements: tenant_user, tenant_admin, or the application’s login if the wall sets no role. database.roles, database.levelOf or access.levels decide which role that is. partywall explain and partywall plan show what a role lacks.'
            : `Give one of the user’s roles ${event.permission} in access.roles, if the user should have it.`,
      }
    case 'CROSS_TENANT_ACCESS_ATTEMPT':
      return {
        reason: 'cross-tenant',
        cure:
          event.source === 'database'
            ? 'PostgreSQL refused the statement. Usually it named a row of another tenant. Libraries such as Prisma hide PostgreSQL’s reason: with them the cause may also be a missing GRANT. Find the statement in the log of PostgreSQL. Staff must use wall.actAs().'
            : `A request named or reached another tenant (${event.source}). If this is not an attack, find the client or code that mixes tenants. Staff must use wall.actAs().`,
      }
  }
}

const EXP_BEFORE_IAT =
  'The claim exp is not after iat. Have the provider set exp to a later moment than iat. Both are seconds since 1970 (NumericDate).'

/**
 * Returns the advice for a token that was refused for this reason.
 *
 * @param fact the fact of the refusal, which can make another cure necessary
 */
export function cureOfToken(reason: string, fact?: string): string {
  if (fact === ENDS_BEFORE_IT_BEGINS) return EXP_BEFORE_IAT
  return Object.hasOwn(TOKEN_CURES, reason)
    ? TOKEN_CURES[reason as RefusalReason]
    : 'The envelope was refused. Export it again, with the audience and the secret of its receiver.'
}

/** Cures that speak of `sharedSecretTokens`, whose tokens the application signs itself. */
const SHARED_SECRET_CURES: Readonly<Partial<Record<RefusalReason, string>>> = {
  algorithm:
    'Add the algorithm of the application’s tokens to the option algorithms of sharedSecretTokens() (--algorithm).',
  signature: 'The token was not signed with this secret. It may be forged, changed, or from another environment.',
  'claim-missing':
    'Have the code that signs the tokens add the claim, or name the claim of the user in the option user of sharedSecretTokens().',
  'claim-invalid': 'Have the code that signs the tokens fill the claim with a value of the right type.',
  'not-yet-valid': 'Correct the clock of this server or of the server that signs the tokens.',
  'tenant-missing':
    'Have the code that signs the tokens put the tenant into the claim that is read, or name another claim in the option tenant of sharedSecretTokens().',
  'tenant-invalid':
    'The value of the claim can’t be the key of a tenant. Check the option tenant of sharedSecretTokens().',
}

/** Returns the advice for a token that `sharedSecretTokens` refused for this reason. */
export function cureOfSharedSecretToken(reason: string): string {
  return SHARED_SECRET_CURES[reason as RefusalReason] ?? cureOfToken(reason)
}
