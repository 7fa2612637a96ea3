import type { Preset } from './preset.ts'

/**
 * WorkOS AuthKit session tokens: `org_id`, `role` and `roles`, `permissions`; an impersonator is in `act.sub`.
 * They carry no `aud`: set `clientId` where the token has `client_id`, `audience` where an audience is configured.
 */
export const workos: Preset = {
  tenant: (claims) => claims['org_id'],
  user: (claims) => claims['sub'],
  roles: (claims) => claims['roles'] ?? claims['role'],
  permissions: (claims) => claims['permissions'],
  knowsTokenUse: false,
  check() {},
}
