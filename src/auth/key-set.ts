// Not `import { hash }`: a Node.js without crypto.hash() would fail with a SyntaxError before we can report that it is too old.
import crypto, { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { type Algorithm, keyFitsAlgorithm } from './algorithms.ts'
import { isRecord } from './strict-json.ts'
import { problemOfKey } from './unfit-key.ts'

/** One key that may verify signatures. */
interface VerificationKey {
  readonly kid: string | undefined
  /** The only algorithm that the key's publisher allows. Undefined if the key names none. */
  readonly algorithm: string | undefined
  readonly key: KeyObject
}

/** Keys of one issuer; immutable. */
export interface KeySet {
  readonly size: number
  /** Whether a token must name its key by `kid`. */
  readonly needsKeyId: boolean
  /** Returns the key that fits. Undefined if no key fits, or if several keys fit. */
  find(algorithm: Algorithm, kid: string | undefined): KeyObject | undefined
  all(): readonly KeyObject[]
  /** Fingerprints of the keys, by which a withdrawn key is noticed. */
  readonly fingerprints: ReadonlySet<string>
}

interface JwksReading {
  readonly keys: KeySet
  /** Reasons why members of the document are not used, without key material. */
  readonly problems: readonly string[]
}

const MAX_KEYS = 100
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'priv']

/**
 * Reads a JWK Set. Keys for encryption and keys of unknown kinds are ignored silently. Private and symmetric keys, unfit keys, broken keys
 * and keys that share a `kid` are ignored and named in `problems`. The other keys of the set are used.
 *
 * @param needsKeyId true for remote sets: they change, so a token must name its key. A set that never changes may contain one key without
 *   `kid`
 */
export function readJwks(document: unknown, needsKeyId: boolean): JwksReading {
  const list = isRecord(document) ? document['keys'] : undefined
  if (!Array.isArray(list))
    return { keys: keySet([], needsKeyId), problems: ['it is no JWK Set: "keys" must be a list'] }
  const keys: VerificationKey[] = []
  const problems: string[] = []
  if (list.length > MAX_KEYS) problems.push(`it holds more than ${MAX_KEYS} keys; the rest is not used`)
  const members: readonly unknown[] = list.slice(0, MAX_KEYS)
  const repeated = repeatedIds(members)
  members.forEach((member, index) => {
    const read = readJwk(member, repeated)
    if (typeof read === 'string') problems.push(`key ${index}: ${read}`)
    else if (read !== undefined) keys.push(read)
  })
  return { keys: keySet(keys, needsKeyId), problems }
}

/** Reads a PEM: SPKI public key or X.509 certificate. Throws for anything else, also for a private key or an unfit key. */
export function readPem(pem: string): KeySet {
  if (pem.includes('PRIVATE KEY')) throw new TypeError('it holds a private key; give the public key or the certificate')
  const key = createPublicKey(pem)
  const problem = problemOfKey(key)
  if (problem !== undefined) throw new TypeError(problem)
  return keySet([{ kid: undefined, algorithm: undefined, key }], false)
}

/** Makes a set with one shared secret. */
export function readSecret(secret: string | Uint8Array): KeySet {
  const bytes = typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret
  return keySet([{ kid: undefined, algorithm: undefined, key: createSecretKey(bytes) }], false)
}

/** Whether a key has a known kind and is published for signatures. */
function isForSignatures({ kty, use, key_ops: operations }: Readonly<Record<string, unknown>>): boolean {
  if (use !== undefined && use !== 'sig') return false
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return false
  return kty === 'RSA' || kty === 'EC' || kty === 'OKP'
}

/** Key ids that several keys for signatures share. A token with such a `kid` does not say which key it means. */
function repeatedIds(members: readonly unknown[]): ReadonlySet<unknown> {
  const seen = new Set<unknown>()
  const repeated = new Set<unknown>()
  for (const member of members) {
    if (!isRecord(member) || member['kid'] === undefined || !isForSignatures(member)) continue
    if (seen.has(member['kid'])) repeated.add(member['kid'])
    seen.add(member['kid'])
  }
  return repeated
}

/** @returns a key, a problem, or undefined for a key of another purpose */
function readJwk(member: unknown, repeated: ReadonlySet<unknown>): VerificationKey | string | undefined {
  if (!isRecord(member)) return 'it is no object'
  const { kid, alg } = member
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(member, name))) return 'it holds private or secret material'
  if (!isForSignatures(member)) return undefined
  if (repeated.has(kid)) return 'another key has the same kid'
  if (kid !== undefined && typeof kid !== 'string') return 'its kid is no string'
  if (alg !== undefined && typeof alg !== 'string') return 'its alg is no string'
  let key: KeyObject
  try {
    key = createPublicKey({ key: { ...member }, format: 'jwk' })
  } catch {
    return 'it can not be imported'
  }
  return problemOfKey(key) ?? { kid, algorithm: alg, key }
}

function keySet(keys: readonly VerificationKey[], needsKeyId: boolean): KeySet {
  // A PEM key or a secret has no key id. It is the only key, so it is used for every `kid`.
  const unnamed = keys.length === 1 && keys[0]?.kid === undefined && !needsKeyId
  return {
    size: keys.length,
    needsKeyId,
    all: () => keys.map(({ key }) => key),
    fingerprints: new Set(keys.map(({ kid, key }) => `${kid ?? ''} ${fingerprint(key)}`)),
    find(algorithm, kid) {
      if (needsKeyId && kid === undefined) return undefined
      const fitting = keys.filter(
        (candidate) =>
          (unnamed || kid === undefined || candidate.kid === kid) &&
          (candidate.algorithm === undefined || candidate.algorithm === algorithm) &&
          keyFitsAlgorithm(candidate.key, algorithm),
      )
      return fitting.length === 1 ? fitting[0]?.key : undefined
    },
  }
}

function fingerprint(key: KeyObject): string {
  return crypto.hash('sha256', key.type === 'secret' ? key.export() : key.export({ format: 'der', type: 'spki' }))
}
