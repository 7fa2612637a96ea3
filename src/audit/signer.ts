import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { ConfigurationError } from '../errors.ts'

/** Signs checkpoints and anchors with Ed25519. The private key is never in the database. */
export interface Signer {
  /** SPKI, PEM. */
  readonly publicKey: string
  /** Returns the Ed25519 signature of the message, 64 bytes. It may call a key management service. */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>
}

/** A public key, with the id by which records name it. */
export interface AuditKey {
  /** The first 8 bytes of SHA-256 of the key's DER, hex. */
  readonly keyId: string
  readonly publicKey: string
  readonly key: KeyObject
}

/** Prefix of signed messages, so that a signature for another purpose is never valid here. */
const PREFIX = Buffer.from('partywall audit v1\n')

/**
 * Makes a signer from a private key in PEM (PKCS #8).
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the key is not an Ed25519 key
 */
export function createPemSigner(pem: string): Signer {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch (cause) {
    throw new ConfigurationError('The audit signing key is no private key in PEM. Make one: partywall audit keygen', {
      cause,
    })
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new ConfigurationError('The audit signing key must be Ed25519. Make one: partywall audit keygen')
  }
  const publicKey = String(createPublicKey(key).export({ type: 'spki', format: 'pem' }))
  return { publicKey, sign: (message) => sign(null, message, key) }
}

/** A new Ed25519 pair in PEM. */
export function generateAuditKeys(): { readonly privateKey: string; readonly publicKey: string } {
  return generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
}

/**
 * Reads a public key in PEM.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function readAuditKey(pem: string): AuditKey {
  let key: KeyObject
  try {
    key = createPublicKey(pem)
  } catch (cause) {
    throw new ConfigurationError('The audit public key is no key in PEM.', { cause })
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new ConfigurationError('The audit public key must be Ed25519.')
  const der = key.export({ type: 'spki', format: 'der' })
  return {
    keyId: createHash('sha256').update(der).digest('hex').slice(0, 16),
    publicKey: String(key.export({ type: 'spki', format: 'pem' })),
    key,
  }
}

/** Signs a record's hash and verifies the signature. If the signer used another key, nobody could verify the log. */
export async function signHash(signer: Signer, key: AuditKey, hash: Uint8Array): Promise<Buffer> {
  const signature = Buffer.from(await signer.sign(Buffer.concat([PREFIX, hash])))
  if (!isSignedBy(key, hash, signature)) {
    throw new ConfigurationError('The audit signer made a signature that its own publicKey does not verify.')
  }
  return signature
}

export function isSignedBy(key: AuditKey, hash: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, Buffer.concat([PREFIX, hash]), key.key, signature)
}
