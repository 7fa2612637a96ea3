import { createHmac, timingSafeEqual } from 'node:crypto'
import { deserialize, serialize } from 'node:v8'

/** The cache, tenant, user and key that a cached value belongs to. */
export interface CacheSubject {
  /** The name of the cache, so that two caches in one store do not share entries. */
  readonly name: string
  readonly tenantId: string
  /** '' for values of all users of the tenant. */
  readonly userId: string
  /** The application's key. */
  readonly key: string
}

/**
 * The key in the store. It starts with the cache's name and a hash of the tenant, so that the entries of one tenant can be found and
 * removed in the store. The rest is a hash of all fields of the subject. Nobody can read an id from the hash, or find two subjects with the
 * same hash.
 */
export function storeKey(secret: Uint8Array, subject: CacheSubject): string {
  const tenant = hash(secret, ['tenant', subject.tenantId]).toString('base64url').slice(0, 16)
  return `partywall:${subject.name}:${tenant}:${hash(secret, ['key', ...partsOf(subject)]).toString('base64url')}`
}

/** Returns the text to store: the time of expiry, the value, and a MAC over time, value and subject. */
export function sealValue(secret: Uint8Array, subject: CacheSubject, value: unknown, expiresAt: number): string {
  const body = serialize(value).toString('base64url')
  return `1.${expiresAt}.${body}.${macOf(secret, subject, String(expiresAt), body).toString('base64url')}`
}

/** `forged`: the text was not written for this subject. `expired`: the text was written for this subject, but has expired. */
type OpenedValue = { readonly value: unknown } | 'forged' | 'expired'

/** Opens a stored text. Checks the MAC before it deserializes the value. */
export function openValue(secret: Uint8Array, subject: CacheSubject, text: unknown, now: number): OpenedValue {
  if (typeof text !== 'string') return 'forged'
  const [version, expiresAt = '', body = '', mac = '', ...rest] = text.split('.')
  if (version !== '1' || rest.length > 0) return 'forged'
  // Compare the texts and not the decoded bytes: several base64 texts decode to the same bytes, and sealValue() writes only one of them.
  const wanted = Buffer.from(macOf(secret, subject, expiresAt, body).toString('base64url'))
  const given = Buffer.from(mac)
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return 'forged'
  if (!(now < Number(expiresAt))) return 'expired'
  return { value: deserialize(Buffer.from(body, 'base64url')) }
}

function macOf(secret: Uint8Array, subject: CacheSubject, expiresAt: string, body: string): Buffer {
  return hash(secret, ['value', ...partsOf(subject), expiresAt, body])
}

function partsOf({ name, tenantId, userId, key }: CacheSubject): readonly string[] {
  return [name, tenantId, userId, key]
}

/** HMAC-SHA-256 over parts with their lengths, so that no part can run into the next. */
function hash(secret: Uint8Array, parts: readonly string[]): Buffer {
  const hmac = createHmac('sha256', secret)
  for (const part of parts) {
    const bytes = Buffer.from(part, 'utf8')
    hmac.update(`${bytes.length}:`).update(bytes)
  }
  return hmac.digest()
}
