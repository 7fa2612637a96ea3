import { isRecord, type RawClaims } from './strict-json.ts'

/**
 * The place of a claim: a name, a dotted path (`app_metadata.tenant`), or a list of names if a name contains a dot
 * (`['https://example.com/tenant', 'id']`).
 */
export type ClaimPath = string | readonly string[]

/** A path, or a function of the verified claims. Its result is checked like a claim. */
export type ClaimReader = ClaimPath | ((claims: RawClaims) => unknown)

/** Claims that users can edit themselves at common providers, and profile claims of OpenID Connect. */
const USER_EDITABLE = new Set([
  'user_metadata',
  'unsafe_metadata',
  'name',
  'given_name',
  'family_name',
  'nickname',
  'preferred_username',
  'profile',
  'picture',
  'website',
  'email',
  'phone_number',
  'address',
  'locale',
  'zoneinfo',
])

/** The names of a path, outermost first. */
function segmentsOf(path: ClaimPath): readonly string[] {
  return typeof path === 'string' ? path.split('.') : path
}

/**
 * Whether users of common providers can edit the claim at this path. For a function the answer is false, because partywall can't know which
 * claims it reads.
 */
export function isUserEditable(path: ClaimPath): boolean {
  const first = segmentsOf(path)[0] ?? ''
  return USER_EDITABLE.has(first) || first.startsWith('custom:')
}

/** Makes a function that reads the claim. It reads only own properties, and returns undefined if a part is missing. */
export function compileReader(reader: ClaimReader): (claims: RawClaims) => unknown {
  if (typeof reader === 'function') return reader
  const segments = segmentsOf(reader)
  return (claims) => {
    let value: unknown = claims
    for (const segment of segments) {
      if (!isRecord(value) || !Object.hasOwn(value, segment)) return undefined
      value = value[segment]
    }
    return value
  }
}
