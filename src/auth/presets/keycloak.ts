import { TokenRefusedError } from '../refusal.ts'
import { isRecord } from '../strict-json.ts'
import type { Preset } from './preset.ts'

/**
 * Keycloak 26 and later with the `organization` scope. A token that names several organisations is refused: ask for
 * `organization:<alias>`. The tenant is the organisation's id if the mapper adds it ("Add organization id"), otherwise its alias.
 */
export const keycloak: Preset = {
  tenant(claims) {
    const value = claims['organization']
    if (Array.isArray(value)) return only(value)
    if (!isRecord(value)) return value === undefined ? undefined : value
    const alias = only(Object.keys(value))
    if (typeof alias !== 'string') return undefined
    const organisation = value[alias]
    return isRecord(organisation) && Object.hasOwn(organisation, 'id') ? organisation['id'] : alias
  },
  user: (claims) => claims['sub'],
  roles(claims) {
    const realm = claims['realm_access']
    return isRecord(realm) ? realm['roles'] : undefined
  },
  permissions: () => undefined,
  // Access, ID and refresh tokens differ only in the payload's `typ`. A nonce proves nothing: older access tokens have one too.
  knowsTokenUse: true,
  check(claims) {
    if (claims['typ'] !== 'Bearer') throw new TokenRefusedError('token-type', 'typ')
  },
}

function only(values: readonly unknown[]): unknown {
  if (values.length > 1) throw new TokenRefusedError('tenant-ambiguous', 'organization')
  return values[0]
}
