import type pg from 'pg'
import type { DamageList } from './damage.ts'
import { leafHash, merkleRoot, recordHash } from './merkle.ts'
import { type CheckpointBody, checkpointBody } from './records.ts'
import type { AnchorChain } from './verify-anchors.ts'

/** Checkpoints per fetch. Each may contain the leaves of 10,000 events. */
const FETCH = 100

/** A checkpoint with which events are compared. */
export interface CheckedCheckpoint {
  readonly anchor: number
  readonly leaves: Buffer
  /** Events of this tenant that were dropped with their month, according to signed records. */
  readonly pruned: ReadonlySet<string>
}

/** Checks signature, chain and root of every checkpoint of one tenant or of all tenants. The keys of the result are `tenant\nnumber`. */
export async function verifyCheckpoints(
  client: pg.ClientBase,
  chain: AnchorChain,
  damage: DamageList,
  tenant: string | undefined,
): Promise<{ readonly all: ReadonlyMap<string, CheckedCheckpoint>; readonly count: number }> {
  await client.query({
    text: `declare audit_checkpoints_all no scroll cursor for
      select tenant_id, n::float8 as n, anchor_n::float8 as anchor, kind, leaves, body, hash, key_id, signature,
        case kind when 'prune' then ids::text[] end as ids, cardinality(ids) as size
      from partywall.audit_checkpoints ${tenant === undefined ? '' : 'where tenant_id = $1'} order by tenant_id, n`,
    values: tenant === undefined ? [] : [tenant],
  })
  const all = new Map<string, CheckedCheckpoint>()
  let count = 0
  let before: { readonly tenant: string; readonly n: number; readonly hash: string } | undefined
  let pruned = new Set<string>()
  for (;;) {
    const { rows } = await client.query(`fetch ${FETCH} from audit_checkpoints_all`)
    for (const row of rows) {
      count++
      const place = { tenant: String(row.tenant_id), checkpoint: Number(row.n) }
      if (before?.tenant !== place.tenant) {
        before = undefined
        pruned = new Set()
      }
      const expected = (before?.n ?? 0) + 1
      for (let n = expected; n < place.checkpoint && n < expected + 100; n++) {
        damage.add({ kind: 'checkpoint-missing', tenant: place.tenant, checkpoint: n, detail: 'a gap in the numbers' })
      }
      const body = readBody(row.body)
      const problem = body === undefined ? 'its text is not a checkpoint of partywall' : contradiction(body, row)
      if (problem !== undefined) damage.add({ ...place, kind: 'checkpoint-changed', detail: problem })
      if (chain.signed(row.key_id, row.hash, row.signature) === false) {
        damage.add({ ...place, kind: 'checkpoint-signature', detail: 'its signature is not valid' })
      }
      if (place.checkpoint === expected && body !== undefined && body.prev !== (before?.hash ?? '')) {
        damage.add({ ...place, kind: 'checkpoint-chain', detail: 'does not follow from the checkpoint before' })
      }
      before = { tenant: place.tenant, n: place.checkpoint, hash: row.hash.toString('hex') }
      if (row.kind === 'prune') {
        // Only a valid, signed prune record explains missing events.
        const valid = problem === undefined && chain.signed(row.key_id, row.hash, row.signature) === true
        if (valid) for (const id of row.ids) pruned.add(id)
      } else all.set(`${place.tenant}\n${place.checkpoint}`, { anchor: row.anchor, leaves: row.leaves, pruned })
    }
    if (rows.length < FETCH) break
  }
  await client.query('close audit_checkpoints_all')
  return { all, count }
}

function readBody(text: string): CheckpointBody | undefined {
  try {
    return checkpointBody.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

function contradiction(body: CheckpointBody, row: Readonly<Record<string, unknown>>): string | undefined {
  const { leaves, hash, ids } = row
  if (!Buffer.isBuffer(leaves) || !Buffer.isBuffer(hash))
    return 'its columns do not have the types that partywall writes'
  if (!recordHash(String(row['body'])).equals(hash)) return 'its hash does not match its text'
  const same =
    body.tenant === row['tenant_id'] &&
    body.n === row['n'] &&
    body.anchor === row['anchor'] &&
    body.kind === row['kind']
  if (!same || body.size !== row['size'] || leaves.length !== body.size * 32) return 'its columns contradict its text'
  const list = Array.from({ length: body.size }, (_, index) => leaves.subarray(index * 32, index * 32 + 32))
  if (merkleRoot(list).toString('hex') !== body.root) return 'its root does not match its leaves'
  if (body.kind === 'prune' && Array.isArray(ids)) {
    const matches = ids.every((id, index) => list[index]?.equals(pruneLeaf(String(id))))
    if (!matches) return 'its list of dropped events is not the signed one'
  }
  return undefined
}

/** The leaf of a dropped event in a prune record: the hash of its id. */
export function pruneLeaf(id: string): Buffer {
  return leafHash(Buffer.from(id, 'utf8'))
}
