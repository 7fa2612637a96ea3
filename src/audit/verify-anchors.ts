import type pg from 'pg'
import type { DamageList } from './damage.ts'
import { merkleRoot, recordHash } from './merkle.ts'
import { type AnchorBody, anchorBody, type PublishedAnchor } from './records.ts'
import { type AuditKey, isSignedBy, readAuditKey } from './signer.ts'

interface StoredAnchor {
  readonly n: number
  readonly body: AnchorBody | undefined
  readonly text: string
  readonly hash: Buffer
  readonly keyId: string
  readonly signature: Buffer
  readonly cosignature: Buffer | null
}

/** The checked chain of anchors. It determines the trusted keys, and the transaction number up to which all events are sealed. */
export class AnchorChain {
  readonly #anchors: readonly StoredAnchor[]
  readonly #keys: ReadonlyMap<string, AuditKey>
  /** Ids of keys that signed records but are not trusted: they were not given, and no key change links them to a given key. */
  readonly unknownKeys = new Set<string>()
  readonly #byNumber: ReadonlyMap<number, AnchorBody | undefined>
  #asked: { readonly xid: string; readonly anchorN: number; readonly at: string | undefined } = {
    xid: '',
    anchorN: 0,
    at: undefined,
  }

  private constructor(anchors: readonly StoredAnchor[], keys: ReadonlyMap<string, AuditKey>) {
    this.#anchors = anchors
    this.#keys = keys
    this.#byNumber = new Map(anchors.map(({ n, body }) => [n, body]))
  }

  static async read(client: pg.ClientBase, given: readonly AuditKey[], damage: DamageList): Promise<AnchorChain> {
    const { rows } = await client.query(
      'select n::float8 as n, body, hash, key_id, signature, cosignature from partywall.audit_anchors order by audit_anchors.n',
    )
    const anchors = rows.map((row): StoredAnchor => {
      const { n, body: text, hash, key_id: keyId, signature, cosignature } = row
      return { n, body: parse(text), text, hash, keyId, signature, cosignature }
    })
    const chain = new AnchorChain(anchors, trustedKeys(anchors, given))
    await chain.#check(client, damage)
    return chain
  }

  get size(): number {
    return this.#anchors.length
  }

  get last(): AnchorBody | undefined {
    return this.#anchors.at(-1)?.body
  }

  get first(): AnchorBody | undefined {
    return this.#anchors[0]?.body
  }

  /** The months whose events were dropped, according to a signed record. */
  get prunedMonths(): ReadonlySet<string> {
    return new Set(
      this.#anchors.flatMap(({ body }) => (body?.kind === 'prune' && body.month !== undefined ? [body.month] : [])),
    )
  }

  /** Whether a trusted key made this signature. Undefined if the key is unknown. */
  signed(keyId: string, hash: Buffer, signature: Buffer): boolean | undefined {
    const key = this.#keys.get(keyId)
    if (key === undefined) {
      this.unknownKeys.add(keyId)
      return undefined
    }
    return isSignedBy(key, hash, signature)
  }

  /**
   * Returns the time of the newest anchor that was made before the transaction number `xid` was used. The events of that transaction were
   * written after this time. Looks only at anchors that come before `anchorN` and that the same cluster made.
   */
  notBefore(xid: string, anchorN: number): string | undefined {
    // Events of one transaction are adjacent, so remember the last answer.
    if (this.#asked.xid === xid && this.#asked.anchorN === anchorN) return this.#asked.at
    this.#asked = { xid, anchorN, at: this.#findNotBefore(xid, anchorN) }
    return this.#asked.at
  }

  #findNotBefore(xid: string, anchorN: number): string | undefined {
    const of = this.#byNumber.get(anchorN)
    if (of === undefined) return undefined
    let low = 0
    let high = this.#anchors.length
    // Transaction numbers grow only within one cluster, so the search passes over anchors of earlier clusters. If the last one that it
    // passed is of another cluster, no anchor of this cluster is early enough.
    while (low < high) {
      const middle = (low + high) >> 1
      const body = this.#anchors[middle]?.body
      if (body === undefined || body.n >= anchorN || (body.system === of.system && BigInt(body.next) > BigInt(xid)))
        high = middle
      else low = middle + 1
    }
    const before = this.#anchors[low - 1]?.body
    return before?.system === of.system ? before.at : undefined
  }

  /**
   * Compares the log with anchors outside the database. Only anchors outside the database show that the newest events were removed, or that
   * the whole log was rewritten.
   */
  compareWith(published: readonly PublishedAnchor[] | undefined, damage: DamageList, tenant: string | undefined): void {
    if (published === undefined) return
    const stored = new Map(this.#anchors.map((anchor) => [anchor.n, anchor]))
    const end = this.#anchors.at(-1)?.n ?? 0
    for (const outside of published) {
      const here = stored.get(outside.n)
      if (here !== undefined && here.hash.toString('hex') === outside.hash) continue
      const kind = here === undefined ? (outside.n > end ? 'tail-cut' : 'anchor-missing') : 'history-rewritten'
      const detail =
        here === undefined
          ? 'published outside, missing in the database'
          : 'differs from the one that was published outside'
      const heads = outside.heads.filter((head) => tenant === undefined || head.tenant === tenant)
      if (heads.length === 0) damage.add({ kind, anchor: outside.n, detail })
      for (const head of heads) {
        damage.add({ kind, anchor: outside.n, tenant: head.tenant, checkpoint: head.n, detail })
      }
    }
  }

  async #check(client: pg.ClientBase, damage: DamageList): Promise<void> {
    const { rows } = await client.query(
      'select anchor_n::float8 as anchor, array_agg(hash order by tenant_id collate "C", n) as hashes from partywall.audit_checkpoints group by anchor_n',
    )
    const hashes = new Map<number, Buffer[]>(rows.map((row) => [row.anchor, row.hashes]))
    let before: StoredAnchor | undefined
    for (const anchor of this.#anchors) {
      const expected = (before?.n ?? 0) + 1
      for (let n = expected; n < anchor.n && n < expected + 100; n++) {
        damage.add({ kind: 'anchor-missing', anchor: n, detail: 'a gap in the numbers of the anchors' })
      }
      this.#checkOne(anchor, hashes.get(anchor.n) ?? [], damage)
      const linked = anchor.body?.prev === (before?.hash.toString('hex') ?? '')
      if (anchor.n === expected && !linked) {
        damage.add({ kind: 'anchor-chain', anchor: anchor.n, detail: 'does not follow from the anchor before' })
      }
      before = anchor
    }
  }

  #checkOne(anchor: StoredAnchor, checkpoints: readonly Buffer[], damage: DamageList): void {
    const { n, body, text, hash } = anchor
    if (body === undefined || body.n !== n || !recordHash(text).equals(hash)) {
      damage.add({ kind: 'anchor-changed', anchor: n, detail: 'its hash does not match its text' })
      return
    }
    if (this.signed(anchor.keyId, hash, anchor.signature) === false) {
      damage.add({ kind: 'anchor-signature', anchor: n, detail: 'its signature is not valid' })
    }
    const root = merkleRoot(checkpoints).toString('hex')
    if (body.count !== checkpoints.length || body.root !== root) {
      const detail = `the checkpoints that it covers are not the same any more: ${body.count} when it was signed, ${checkpoints.length} now`
      damage.add({ kind: 'anchor-changed', anchor: n, detail })
    }
  }
}

function parse(text: string): AnchorBody | undefined {
  try {
    return anchorBody.parse(JSON.parse(text))
  } catch {
    return undefined // reported as anchor-changed
  }
}

/**
 * Returns the given keys, and all keys that are linked to them by key changes. The old and the new key sign a key change. One of the two
 * must be trusted.
 */
function trustedKeys(anchors: readonly StoredAnchor[], given: readonly AuditKey[]): ReadonlyMap<string, AuditKey> {
  const keys = new Map(given.map((key) => [key.keyId, key]))
  const changes = anchors.filter(({ body }) => body?.kind === 'key')
  for (const { body, hash, signature, cosignature } of [...changes, ...changes.toReversed()]) {
    if (body?.oldKey === undefined || body.newKey === undefined || cosignature === null) continue
    const older = readAuditKey(body.oldKey)
    const newer = readAuditKey(body.newKey)
    const both = isSignedBy(newer, hash, signature) && isSignedBy(older, hash, cosignature)
    if (both && (keys.has(older.keyId) || keys.has(newer.keyId))) {
      keys.set(older.keyId, older)
      keys.set(newer.keyId, newer)
    }
  }
  return keys
}
