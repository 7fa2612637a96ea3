import { createHmac, KeyObject, sign } from 'node:crypto'
import type { IssuerKey } from './issuer.ts'

/** What a forged part is made of: an object, or the exact text or bytes where JSON.stringify would be too well-behaved. */
export type Part = object | string | Uint8Array

/** base64url of a part. */
export function encodePart(part: Part): string {
  const bytes = typeof part === 'string' || part instanceof Uint8Array ? part : JSON.stringify(part)
  return Buffer.from(bytes).toString('base64url')
}

/** Signs any header and payload with an issuer's real key: what a compromised or careless issuer could send. */
export function forgeSigned(header: Part, payload: Part, key: IssuerKey): string {
  const input = `${encodePart(header)}.${encodePart(payload)}`
  const privateKey = KeyObject.from(key.privateKey)
  const signature =
    key.algorithm === 'EdDSA'
      ? sign(null, Buffer.from(input), privateKey)
      : sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

/** Signs with an HMAC, for confusing public keys with secrets. */
export function forgeHmac(header: Part, payload: Part, secret: string | Uint8Array): string {
  const input = `${encodePart(header)}.${encodePart(payload)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

/** Replaces parts of a token and keeps the rest as it is. */
export function replaceParts(token: string, parts: { header?: Part; payload?: Part; signature?: string }): string {
  const [header = '', payload = '', signature = ''] = token.split('.')
  return [
    parts.header === undefined ? header : encodePart(parts.header),
    parts.payload === undefined ? payload : encodePart(parts.payload),
    parts.signature ?? signature,
  ].join('.')
}
