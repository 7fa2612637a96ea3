import { TokenRefusedError } from '../refusal.ts'
import type { RawClaims } from '../strict-json.ts'

/** A session whose user still has tasks to do (choose an organisation, a second factor) is `pending`. */
export function requireActiveSession(claims: RawClaims): void {
  const status = claims['sts']
  if (status !== undefined && status !== 'active') throw new TokenRefusedError('session-inactive', 'sts')
}
