import { TokenRefusedError } from '../refusal.ts'
import { isRecord, type RawClaims } from '../strict-json.ts'
import { requireActiveSession } from './clerk-session.ts'
import type { Preset } from './preset.ts'

/** A decimal bit mask, read as a bigint: an organisation may have more permissions than a number has bits. */
const MASK = /^\d{1,80}$/

/** Clerk session tokens, version 2: the organisation is in `o`. They have no `aud`: set `authorizedParty`. */
export const clerkV2: Preset = {
  tenant: (claims) => organisation(claims)['id'],
  user: (claims) => claims['sub'],
  roles: (claims) => organisation(claims)['rol'],
  permissions: organisationPermissions,
  knowsTokenUse: false,
  check(claims) {
    if (claims['v'] !== 2) throw new TokenRefusedError('token-type', 'v')
    const legacy = claims['org_id']
    if (legacy !== undefined && legacy !== organisation(claims)['id']) {
      throw new TokenRefusedError('tenant-ambiguous', 'org_id')
    }
    requireActiveSession(claims)
  },
}

function organisation(claims: RawClaims): RawClaims {
  const value = claims['o']
  return isRecord(value) ? value : {}
}

/**
 * Expands the compact form: `fea` lists features with their scopes (`o:articles,u:profile`), `o.per` names permissions
 * (`read,manage`), and the n-th number of `o.fpm` is a bit mask over `o.per` for the n-th feature of the organisation.
 */
function organisationPermissions(claims: RawClaims): readonly string[] | undefined {
  const { per, fpm } = organisation(claims)
  const fea = claims['fea'] ?? ''
  if (per === undefined && fpm === undefined) return undefined
  // The claim exists and is empty: the member has no permissions.
  if (per === '' || fpm === '') return []
  if (typeof per !== 'string' || typeof fpm !== 'string' || typeof fea !== 'string') throw contradiction()
  const features = list(fea)
    .map((entry) => entry.split(':'))
    .filter(([scope]) => scope?.includes('o'))
    .map(([, name]) => name ?? '')
  const names = list(per)
  const masks = list(fpm)
  if (masks.length > features.length) throw contradiction()
  return masks.flatMap((text, feature) => {
    if (!MASK.test(text)) throw contradiction()
    const mask = BigInt(text)
    if (mask >> BigInt(names.length) !== 0n) throw contradiction()
    return names.filter((_, bit) => (mask >> BigInt(bit)) & 1n).map((name) => `org:${features[feature]}:${name}`)
  })
}

function contradiction(): TokenRefusedError {
  return new TokenRefusedError('claim-invalid', 'o.fpm')
}

function list(text: string): readonly string[] {
  return text === '' ? [] : text.split(',').map((entry) => entry.trim())
}
