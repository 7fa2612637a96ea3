import { z } from 'zod'
import { canonicalJson } from '../config/canonical-json.ts'
import { recordHash } from './merkle.ts'
import { type AuditKey, type Signer, signHash } from './signer.ts'

const hex = z.string().regex(/^[0-9a-f]{64}$/)
const number = z.string().regex(/^\d+$/)

/** A checkpoint of one tenant's batch. */
export const checkpointBody = z.strictObject({
  v: z.literal(1),
  kind: z.enum(['seal', 'prune']),
  tenant: z.string(),
  n: z.int(),
  anchor: z.int(),
  size: z.int(),
  root: hex,
  prev: z.union([hex, z.literal('')]),
  key: z.string(),
  /** For a prune record: the month that was dropped, `2026-01`. */
  month: z.string().optional(),
})
export type CheckpointBody = z.infer<typeof checkpointBody>

/** The anchor of one tick (one round of the sealer). The transaction numbers `to` and `next` are texts, because they need 64 bits. */
export const anchorBody = z.strictObject({
  v: z.literal(1),
  kind: z.enum(['seal', 'prune', 'key']),
  n: z.int(),
  /** The server's clock. */
  at: z.string(),
  /** The system identifier of the database cluster. Transaction numbers start again after a restore into another cluster. */
  system: z.string(),
  /** All transactions with a smaller number had ended. The next tick begins at this number. */
  to: number,
  /** The first transaction number that was not used yet. */
  next: number,
  /** The number of checkpoints of this anchor. `root` is the Merkle root over their hashes, in order of tenant. */
  count: z.int(),
  root: hex,
  prev: z.union([hex, z.literal('')]),
  key: z.string(),
  month: z.string().optional(),
  /** For a change of key: both public keys. Both keys sign it. */
  oldKey: z.string().optional(),
  newKey: z.string().optional(),
})
export type AnchorBody = z.infer<typeof anchorBody>

/** A signed record as it is stored. */
export interface SignedRecord {
  readonly body: string
  readonly hash: Buffer
  readonly keyId: string
  readonly signature: Buffer
}

/** An anchor as it is published outside the database. */
export interface PublishedAnchor {
  readonly n: number
  readonly kind: AnchorBody['kind']
  readonly body: string
  /** Hex. */
  readonly hash: string
  readonly keyId: string
  /** Base64. */
  readonly signature: string
  /** The tenants whose log grew, with number and hash of their new checkpoint, so that removed events can be named. */
  readonly heads: readonly { readonly tenant: string; readonly n: number; readonly hash: string }[]
}

export async function signRecord(
  body: CheckpointBody | AnchorBody,
  signer: Signer,
  key: AuditKey,
): Promise<SignedRecord> {
  const text = canonicalJson(body)
  const hash = recordHash(text)
  return { body: text, hash, keyId: key.keyId, signature: await signHash(signer, key, hash) }
}
