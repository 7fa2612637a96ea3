import type pg from 'pg'
import { ConfigurationError } from '../errors.ts'
import { EVENT_AT, EVENT_COLUMNS, eventLeaf, setAside } from './event-leaf.ts'
import { merkleRoot } from './merkle.ts'
import { readCursor } from './read-cursor.ts'
import {
  type AnchorBody,
  anchorBody,
  type CheckpointBody,
  type PublishedAnchor,
  type SignedRecord,
  signRecord,
} from './records.ts'
import { type AuditKey, isSignedBy, type Signer } from './signer.ts'

/** The newest anchor of the database. */
export interface AnchorHead {
  readonly body: AnchorBody
  readonly hash: Buffer
}

/** Events of one tenant that get one checkpoint: from one tick (one run of the sealer), or from a month that is dropped. */
export interface Batch {
  readonly tenant: string
  readonly ids: string[]
  readonly leaves: Buffer[]
  /** Number of events that are sealed by a digest of their details, and number of events whose details cannot be read. */
  readonly aside?: { digest: number; unreadable: number }
}

/**
 * Maximum number of events of one checkpoint. If one transaction has more events, they get several checkpoints, but all of them are sealed
 * in the same tick (one run of the sealer).
 */
const EVENTS_PER_CHECKPOINT = 10_000

export interface SigningKey {
  readonly signer: Signer
  readonly key: AuditKey
}

/** The newest anchor. Its signature was checked with the sealer's keys. */
export async function readHead(client: pg.ClientBase, keys: readonly AuditKey[]): Promise<AnchorHead | undefined> {
  const { rows } = await client.query(
    'select body, hash, key_id, signature from partywall.audit_anchors order by n desc limit 1',
  )
  const [row] = rows
  if (row === undefined) return undefined
  const key = keys.find((known) => known.keyId === row.key_id)
  if (key === undefined) {
    throw new ConfigurationError(
      'The newest anchor was signed by another key. To change the key, give the old key as previousSigner.',
    )
  }
  if (!isSignedBy(key, row.hash, row.signature)) {
    throw new ConfigurationError(
      'The newest anchor has no valid signature: the log was changed. Run: partywall audit verify',
    )
  }
  return { body: anchorBody.parse(JSON.parse(row.body)), hash: row.hash }
}

/** Anchors that are newer than the last published one, in their published form. */
export async function readPublished(client: pg.ClientBase, after: number): Promise<readonly PublishedAnchor[]> {
  const { rows } = await client.query(
    `select a.body, a.hash, a.key_id, a.signature, coalesce((select json_agg(json_build_object('tenant', c.tenant_id, 'n', c.n,
         'hash', encode(c.hash, 'hex')) order by c.tenant_id collate "C", c.n)
       from partywall.audit_checkpoints c where c.anchor_n = a.n), '[]') as heads
     from partywall.audit_anchors a where a.n > $1 order by a.n`,
    [after],
  )
  return rows.map((row) => {
    const record = { body: row.body, hash: row.hash, keyId: row.key_id, signature: row.signature }
    return publishedForm(anchorBody.parse(JSON.parse(row.body)), record, row.heads)
  })
}

/** Reads events in the order of the log, one fetch at a time, and keeps only their ids and leaves. */
export async function readBatches(
  client: pg.ClientBase,
  where: string,
  values: readonly unknown[],
): Promise<readonly Batch[]> {
  await client.query({
    text: `declare audit_batch no scroll cursor for select ${EVENT_COLUMNS} from partywall.audit_events e
      where ${where} order by e.tenant_id collate "C", e.xid, e.occurred_at, e.id`,
    values: [...values],
  })
  const batches: Batch[] = []
  let batch: Batch | undefined
  await readCursor(client, 'audit_batch', (row) => {
    const tenant = String(row[EVENT_AT.tenant])
    if (batch?.tenant !== tenant || batch.ids.length >= EVENTS_PER_CHECKPOINT) {
      batch = { tenant, ids: [], leaves: [], aside: { digest: 0, unreadable: 0 } }
      batches.push(batch)
    }
    const text = String(row[EVENT_AT.leafText])
    const form = setAside(text)
    if (form !== undefined && batch.aside !== undefined) batch.aside[form]++
    batch.ids.push(String(row[EVENT_AT.id]))
    batch.leaves.push(eventLeaf(text))
  })
  return batches
}

/** Writes the checkpoints of all batches and the anchor over them, in the caller's transaction. */
export async function writeBatches(
  client: pg.ClientBase,
  batches: readonly Batch[],
  signing: SigningKey,
  anchor: Pick<AnchorBody, 'kind' | 'system' | 'to' | 'next' | 'at' | 'month'>,
  head: AnchorHead | undefined,
): Promise<PublishedAnchor> {
  const n = (head?.body.n ?? 0) + 1
  const heads = new Map(await tenantHeads(client, [...new Set(batches.map((batch) => batch.tenant))]))
  const written: { readonly body: CheckpointBody; readonly record: SignedRecord; readonly batch: Batch }[] = []
  for (const batch of batches) {
    const before = heads.get(batch.tenant)
    const body: CheckpointBody = {
      v: 1,
      kind: anchor.kind === 'prune' ? 'prune' : 'seal',
      tenant: batch.tenant,
      n: (before?.n ?? 0) + 1,
      anchor: n,
      size: batch.ids.length,
      root: merkleRoot(batch.leaves).toString('hex'),
      prev: before?.hash.toString('hex') ?? '',
      key: signing.key.keyId,
      ...(anchor.month === undefined ? {} : { month: anchor.month }),
    }
    const record = await signRecord(body, signing.signer, signing.key)
    written.push({ body, batch, record })
    heads.set(batch.tenant, { n: body.n, hash: record.hash })
  }
  for (const slice of slices(written)) await insertCheckpoints(client, slice)
  const body: AnchorBody = {
    v: 1,
    n,
    ...anchor,
    count: written.length,
    root: merkleRoot(written.map(({ record }) => record.hash)).toString('hex'),
    prev: head?.hash.toString('hex') ?? '',
    key: signing.key.keyId,
  }
  const record = await signRecord(body, signing.signer, signing.key)
  await insertAnchor(client, body, record, null)
  return publishedForm(
    body,
    record,
    written.map((each) => ({ tenant: each.body.tenant, n: each.body.n, hash: each.record.hash.toString('hex') })),
  )
}

/** Splits checkpoints over several INSERT statements. The leaves of a large backlog in one statement would be hundreds of megabytes. */
function* slices<T extends { readonly batch: Batch }>(written: readonly T[]): Generator<readonly T[]> {
  let slice: T[] = []
  let events = 0
  for (const each of written) {
    slice.push(each)
    events += each.batch.ids.length
    if (slice.length < 500 && events < 2 * EVENTS_PER_CHECKPOINT) continue
    yield slice
    slice = []
    events = 0
  }
  if (slice.length > 0) yield slice
}

export async function insertAnchor(
  client: pg.ClientBase,
  body: AnchorBody,
  record: SignedRecord,
  cosignature: Buffer | null,
): Promise<void> {
  await client.query(
    `insert into partywall.audit_anchors (n, kind, body, hash, key_id, signature, cosignature)
       values ($1, $2, $3, $4, $5, $6, $7)`,
    [body.n, body.kind, record.body, record.hash, record.keyId, record.signature, cosignature],
  )
}

export function publishedForm(
  body: AnchorBody,
  record: SignedRecord,
  heads: PublishedAnchor['heads'],
): PublishedAnchor {
  return {
    n: body.n,
    kind: body.kind,
    body: record.body,
    hash: record.hash.toString('hex'),
    keyId: record.keyId,
    signature: record.signature.toString('base64'),
    heads,
  }
}

async function tenantHeads(
  client: pg.ClientBase,
  tenants: readonly string[],
): Promise<ReadonlyMap<string, { readonly n: number; readonly hash: Buffer }>> {
  const { rows } = await client.query(
    `select t.id, c.n::int as n, c.hash from unnest($1::text[]) as t (id) cross join lateral
       (select n, hash from partywall.audit_checkpoints where tenant_id = t.id order by n desc limit 1) as c`,
    [tenants],
  )
  return new Map(rows.map((row) => [row.id, { n: row.n, hash: row.hash }]))
}

async function insertCheckpoints(
  client: pg.ClientBase,
  written: readonly { readonly body: CheckpointBody; readonly record: SignedRecord; readonly batch: Batch }[],
): Promise<void> {
  const column = <T>(read: (each: (typeof written)[number]) => T) => written.map(read)
  await client.query(
    `insert into partywall.audit_checkpoints (tenant_id, n, anchor_n, kind, ids, leaves, body, hash, key_id, signature)
       select c.tenant, c.n, c.anchor, c.kind, c.ids::uuid[], c.leaves, c.body, c.hash, c.key, c.signature
       from unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::bytea[],
         $9::text[], $10::bytea[]) as c (tenant, n, anchor, kind, ids, leaves, body, hash, key, signature)`,
    [
      column(({ body }) => body.tenant),
      column(({ body }) => body.n),
      column(({ body }) => body.anchor),
      column(({ body }) => body.kind),
      column(({ batch }) => `{${batch.ids.join(',')}}`),
      column(({ batch }) => Buffer.concat(batch.leaves)),
      column(({ record }) => record.body),
      column(({ record }) => record.hash),
      column(({ record }) => record.keyId),
      column(({ record }) => record.signature),
    ],
  )
}
