import { createHash, hkdfSync } from 'node:crypto'

/** HMAC-SHA-256 with its two key blocks computed once. */
export interface SealKey {
  /** The first 4 bytes of SHA-256 of the derived key, as 8 hex digits. Identifies the key without revealing it. */
  readonly keyId: string
  /** 64 bytes: key XOR 0x36 repeated. */
  readonly innerPad: Buffer
  /** 64 bytes: key XOR 0x5c repeated. */
  readonly outerPad: Buffer
}

/** Purpose of a key. A separate key is derived from the root secret for each purpose, so that a key can't be used for another purpose. */
export type KeyPurpose = 'seal' | 'ticket' | 'envelope' | 'webhook' | 'cursor' | 'revocation' | 'cache'

/** With fewer hex digits, a secret has less than 128 bits. */
export const MIN_SECRET_LENGTH = 32

/**
 * Derives the 32-byte key of one purpose from the root secret.
 *
 * @see RFC 5869 (HKDF)
 */
export function deriveKey(rootSecret: string, purpose: KeyPurpose): Buffer {
  return Buffer.from(hkdfSync('sha256', Buffer.from(rootSecret, 'utf8'), '', `partywall/${purpose}/v1`, 32))
}

/**
 * The key that seals contexts, in the form in which PostgreSQL and the pool use it.
 *
 * @see RFC 2104 (HMAC): the pads
 */
export function deriveSealKey(rootSecret: string): SealKey {
  const key = deriveKey(rootSecret, 'seal')
  const innerPad = Buffer.alloc(64, 0x36)
  const outerPad = Buffer.alloc(64, 0x5c)
  for (let index = 0; index < key.length; index++) {
    const byte = key.readUInt8(index)
    innerPad.writeUInt8(0x36 ^ byte, index)
    outerPad.writeUInt8(0x5c ^ byte, index)
  }
  return { keyId: createHash('sha256').update(key).digest('hex').slice(0, 8), innerPad, outerPad }
}
