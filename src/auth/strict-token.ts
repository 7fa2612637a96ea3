import { TokenRefusedError } from './refusal.ts'
import { parseStrictObject, type RawClaims } from './strict-json.ts'

// An empty signature passes here, so that `alg: none` is reported as what it is.
const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)$/
const ENCRYPTED = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){4}$/

/** The parts of a token. Nothing is verified yet. */
interface UnverifiedToken {
  readonly header: RawClaims
  readonly payload: RawClaims
  readonly hasSignature: boolean
}

/**
 * Parses a compact JWS strictly: exact alphabet, no white space, canonical base64url, bounded size.
 *
 * The last character of base64url holds unused bits: without the canonical form one signature has several spellings,
 * and with them one token several hashes.
 *
 * @throws {TokenRefusedError} `malformed`, `too-large`, `non-canonical`, `encrypted`, `duplicate-claim`
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

/** Refuses a value that is no text or too large, before any other work. */
export function requireTokenText(token: unknown, maxTokenBytes: number): asserts token is string {
  if (token === undefined || token === null || token === '') throw new TokenRefusedError('missing')
  if (typeof token !== 'string') throw new TokenRefusedError('malformed')
  // The allowed alphabet is ASCII, so for any token that can pass, characters are bytes.
  if (token.length > maxTokenBytes) throw new TokenRefusedError('too-large')
}

function decodeCanonical(part: string): Uint8Array {
  const bytes = Buffer.from(part, 'base64url')
  if (bytes.toString('base64url') !== part) throw new TokenRefusedError('non-canonical')
  return bytes
}
