import type { RevocationCheck, TokenVerifier } from '../auth/credential-verifier.ts'
import { makeTokenVerifier } from '../auth/jwt.ts'
import type { TokenVerifierOptions } from '../auth/options.ts'
import { isOwnVerifier, makeOwnVerifier } from '../auth/own-verifier.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import type { PartywallConfig } from './config.ts'

/** The verifier of an application. Its claims have the type of the configured `claims` function. */
export function makeVerifier<Claims>(
  auth: PartywallConfig<Claims>['auth'],
  events: SecurityEvents,
  logger: Logger,
  revoked: RevocationCheck | undefined,
): TokenVerifier<Claims> {
  if (isOwnVerifier(auth)) {
    // Without issuers, `Claims` has its default.
    return makeOwnVerifier({ ...auth, events, logger }, revoked) as unknown as TokenVerifier<Claims>
  }
  const { claims, ...options } = auth ?? {}
  if (claims !== undefined) return makeTokenVerifier<Claims>({ ...options, claims, events, logger }, revoked)
  // Without a `claims` function, the claims are the raw ones, and `Claims` has its default RawClaims.
  const plain = { ...options, events, logger } as unknown as TokenVerifierOptions
  return makeTokenVerifier(plain, revoked) as unknown as TokenVerifier<Claims>
}
