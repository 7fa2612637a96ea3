import { TokenRefusedError } from '../refusal.ts'
import type { RawClaims } from '../strict-json.ts'

/**
 * Refuses a session that is not active. A session is `pending` while its user still has tasks to do (choose an organisation, a second
 * factor).
 */
export function requireActiveSession(claims: RawClaims): void {
  const status = claims['sts']
  if (status !== undefined && status !== 'active') throw new TokenRefusedError('session-inactive', 'sts')
}
