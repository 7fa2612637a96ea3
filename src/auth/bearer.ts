const BEARER = /^bearer /i

/**
 * Takes the token out of an `Authorization` header's value.
 *
 * @param header the value as the framework reports it
 * @returns the token, not verified; undefined if the header is missing, repeated or has another scheme
 * @see RFC 6750 section 2.1
 */
export function readBearerToken(header: unknown): string | undefined {
  if (typeof header !== 'string' || !BEARER.test(header)) return undefined
  return header.slice('bearer '.length)
}
