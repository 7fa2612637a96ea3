import { TokenRefusedError } from './refusal.ts'
import { parseStrictObject, type RawClaims } from './strict-json.ts'

// An empty signature is accepted here, so that the later check of the header refuses the token and names its `alg: none`.
const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)$/
const ENCRYPTED = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){4}$/

/** The parts of a token. Nothing is verified yet. */
interface UnverifiedToken {
  readonly header: RawClaims
  readonly payload: RawClaims
  readonly hasSignature: boolean
}

/**
 * Parses a compact JWS strictly: exact alphabet, no white space, canonical base64url. The caller has checked the size.
 *
 * The last character of base64url may hold unused bits. If they were not checked, one signature would have several spellings, and one token
 * several hashes.
 *
 * @throws {TokenRefusedError} `malformed`, `non-canonical`, `encrypted`, `duplicate-claim`
 */
export function parseToken(token: string): UnverifiedToken {
  const match = COMPACT.exec(token)
  if (match === null) throw new TokenRefusedError(ENCRYPTED.test(token) ? 'encrypted' : 'malformed')
  const [, header = '', payload = '', signature = ''] = match
  const headerBytes = decodeCanonical(header)
  const payloadBytes = decodeCanonical(payload)
  decodeCanonical(signature)
  return {
    header: parseStrictObject(headerBytes),
    payload: parseStrictObject(payloadBytes),
    hasSignature: signature.length > 0,
  }
}

/** Refuses a value that is not a string or is too large, before any other work. */
export function requireTokenText(token: unknown, maxTokenBytes: number): asserts token is string {
  if (token === undefined || token === null || token === '') throw new TokenRefusedError('missing')
  if (typeof token !== 'string') throw new TokenRefusedError('malformed')
  // The allowed alphabet is ASCII, so the number of characters is the number of bytes for each token that can pass.
  if (token.length > maxTokenBytes) throw new TokenRefusedError('too-large')
}

function decodeCanonical(part: string): Uint8Array {
  const bytes = Buffer.from(part, 'base64url')
  if (bytes.toString('base64url') !== part) throw new TokenRefusedError('non-canonical')
  return bytes
}
