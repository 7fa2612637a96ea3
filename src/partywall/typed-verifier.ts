import { createTokenVerifier, type TokenVerifier } from '../auth/jwt.ts'
import type { TokenVerifierOptions } from '../auth/options.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import type { PartywallConfig } from './config.ts'

/** The verifier of an application. Its claims have the type of the configured `claims` function. */
export function makeVerifier<Claims>(
  auth: PartywallConfig<Claims>['auth'],
  events: SecurityEvents,
  logger: Logger,
): TokenVerifier<Claims> {
  const { claims, ...options } = auth ?? {}
  if (claims !== undefined) return createTokenVerifier<Claims>({ ...options, claims, events, logger })
  // Without a `claims` function, the claims are the raw ones, and `Claims` has its default RawClaims.
  const plain = { ...options, events, logger } as unknown as TokenVerifierOptions
  return createTokenVerifier(plain) as unknown as TokenVerifier<Claims>
}
