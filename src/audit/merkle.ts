import { hash } from 'node:crypto'

/** SHA-256 over a domain byte and parts: 0x00 leaves, 0x01 inner nodes, 0x02 signed records. */
function tagged(domain: 0 | 1 | 2, ...parts: readonly Uint8Array[]): Buffer {
  return hash('sha256', Buffer.concat([Buffer.of(domain), ...parts]), 'buffer')
}

/** @see RFC 6962, section 2.1: the domain byte keeps a leaf from passing for an inner node */
export function leafHash(data: Uint8Array): Buffer {
  return tagged(0, data)
}

/** The hash by which checkpoints and anchors are chained and signed. */
export function recordHash(body: string): Buffer {
  return tagged(2, Buffer.from(body, 'utf8'))
}

const EMPTY = hash('sha256', '', 'buffer')

/** The root of the Merkle tree over these leaf hashes. @see RFC 6962, section 2.1 */
export function merkleRoot(leaves: readonly Uint8Array[]): Buffer {
  let level: readonly Uint8Array[] = leaves
  if (level.length === 0) return EMPTY
  // Pairing level by level, an odd last node carried up, gives the same tree as RFC 6962's split at powers of two.
  while (level.length > 1) {
    const next: Uint8Array[] = []
    for (let index = 0; index < level.length; index += 2) {
      const left = level[index] ?? EMPTY
      const right = level[index + 1]
      next.push(right === undefined ? left : tagged(1, left, right))
    }
    level = next
  }
  return Buffer.from(level[0] ?? EMPTY)
}

/** The hashes that lead from one leaf to the root, from below. @see RFC 6962, section 2.1.1 */
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
      next.push(right === undefined ? left : tagged(1, left, right))
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
      node = at % 2 === 1 ? tagged(1, sibling, node) : tagged(1, node, sibling)
    }
    at >>= 1
    last >>= 1
  }
  return used === proof.length && Buffer.from(node).equals(place.root)
}
