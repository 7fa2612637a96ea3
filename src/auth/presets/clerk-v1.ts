import { TokenRefusedError } from '../refusal.ts'
import { requireActiveSession } from './clerk-session.ts'
import type { Preset } from './preset.ts'

/** Clerk session tokens, version 1: `org_id`, `org_role`, `org_permissions`. They have no `aud`: set `authorizedParty`. */
export const clerkV1: Preset = {
  tenant: (claims) => claims['org_id'],
  user: (claims) => claims['sub'],
  roles: (claims) => claims['org_role'],
  permissions: (claims) => claims['org_permissions'],
  knowsTokenUse: false,
  check(claims) {
    if (claims['v'] !== undefined && claims['v'] !== 1) throw new TokenRefusedError('token-type', 'v')
    if (claims['o'] !== undefined) throw new TokenRefusedError('token-type', 'o')
    requireActiveSession(claims)
  },
}
