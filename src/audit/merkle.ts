// Not `import { hash }`: a Node.js without crypto.hash() would fail with a SyntaxError before we can report that it is too old.
import crypto from 'node:crypto'

// A domain byte precedes the hashed bytes: 0x00 for leaves, 0x01 for inner nodes, 0x02 for signed records.

/** @see RFC 6962, section 2.1: because of the domain byte a leaf can't pass for an inner node */
export function leafHash(data: Uint8Array | string): Buffer {
  return crypto.hash(
    'sha256',
    typeof data === 'string' ? `\u0000${data}` : Buffer.concat([Buffer.of(0), data]),
    'buffer',
  )
}

/** The hash by which checkpoints and anchors are chained and signed. */
export function recordHash(body: string): Buffer {
  return crypto.hash('sha256', `\u0002${body}`, 'buffer')
}

/** One buffer for all inner nodes. Hashing is synchronous, and a new buffer for each node took half of the time. */
const pair = Buffer.alloc(65)
pair[0] = 1

function innerHash(left: Uint8Array, right: Uint8Array): Buffer {
  // All hashes of a valid tree have 32 bytes. A damaged row may contain one of another length, which does not fit into `pair`.
  if (left.length !== 32 || right.length !== 32)
    return crypto.hash('sha256', Buffer.concat([Buffer.of(1), left, right]), 'buffer')
  pair.set(left, 1)
  pair.set(right, 33)
  return crypto.hash('sha256', pair, 'buffer')
}

const EMPTY = crypto.hash('sha256', '', 'buffer')

/** The root of the Merkle tree over these leaf hashes. @see RFC 6962, section 2.1 */
export function merkleRoot(leaves: readonly Uint8Array[]): Buffer {
  let level: readonly Uint8Array[] = leaves
  if (level.length === 0) return EMPTY
  // Pairing nodes level by level, with an odd last node moved up, gives the same tree as RFC 6962's split at powers of two.
  while (level.length > 1) {
    const next: Uint8Array[] = []
    for (let index = 0; index < level.length; index += 2) {
      const left = level[index] ?? EMPTY
      const right = level[index + 1]
      next.push(right === undefined ? left : innerHash(left, right))
    }
    level = next
  }
  return Buffer.from(level[0] ?? EMPTY)
}

/** The hashes of the path from one leaf to the root, lowest first. @see RFC 6962, section 2.1.1 */
export function inclusionProof(leaves: readonly Uint8Array[], index: number): readonly Buffer[] {
  if (index < 0 || index >= leaves.length) throw new RangeError('no such leaf')
  const path: Buffer[] = []
  let level: readonly Uint8Array[] = leaves
  let at = index
  while (level.length > 1) {
    const sibling = level[at ^ 1]
    if (sibling !== undefined) path.push(Buffer.from(sibling))
    const next: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i] ?? EMPTY
      const right = level[i + 1]
      next.push(right === undefined ? left : innerHash(left, right))
    }
    level = next
    at >>= 1
  }
  return path
}

/** Whether the leaf stands at `index` of the tree of `size` leaves with this root. */
export function verifyInclusion(
  leaf: Uint8Array,
  place: { readonly index: number; readonly size: number; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (!Number.isInteger(place.index) || place.index < 0 || place.index >= place.size) return false
  let node: Uint8Array = leaf
  let at = place.index
  let last = place.size - 1
  let used = 0
  while (last > 0) {
    if (at % 2 === 1 || at < last) {
      const sibling = proof[used++]
      if (sibling === undefined) return false
      node = at % 2 === 1 ? innerHash(sibling, node) : innerHash(node, sibling)
    }
    at >>= 1
    last >>= 1
  }
  return used === proof.length && Buffer.from(node).equals(place.root)
}
