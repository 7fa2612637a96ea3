import pg from 'pg'
import { ConfigurationError, InvalidInputError } from '../errors.ts'
import type { AnchorStore } from './anchor-file.ts'
import { type Batch, readHead, writeBatches } from './seal-batch.ts'
import { readAuditKey, type Signer } from './signer.ts'
import { pruneLeaf } from './verify-checkpoints.ts'

export interface PruneOptions {
  /** A login that is a member of `partywall_sealer`. */
  readonly databaseUrl: string
  readonly signer: Signer
  /** `2026-01`: a month that is over, and whose events are all sealed. */
  readonly month: string
  readonly anchors?: AnchorStore | undefined
}

/**
 * Deletes all events of one month, because their retention time is over. The same transaction writes signed records of the deleted events,
 * so that the rest of the log still verifies. If you must keep some of the events, export them before.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if events of the month are not sealed yet, or the log can't be trusted
 */
export async function pruneAuditMonth(
  options: PruneOptions,
): Promise<{ readonly events: number; readonly tenants: number }> {
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(options.month)) throw new InvalidInputError('month must be written as 2026-01.')
  const key = readAuditKey(options.signer.publicKey)
  const client = new pg.Client({ connectionString: options.databaseUrl, application_name: 'partywall audit prune' })
  client.on('error', () => {}) // the running query reports the error
  await client.connect()
  try {
    await client.query("set lock_timeout = '10s'")
    await client.query('begin')
    await client.query('select from partywall.audit_sealer for update')
    const head = await readHead(client, [key])
    if (head === undefined) throw new ConfigurationError('Nothing was sealed yet, so nothing can be pruned.')
    const batches = await eventsOf(client, options.month)
    const events = batches.reduce((sum, batch) => sum + batch.ids.length, 0)
    const { rows } = await client.query(
      `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at`,
    )
    const { system, to, next } = head.body
    const place = { kind: 'prune' as const, system, to, next, at: String(rows[0].at), month: options.month }
    const anchor = await writeBatches(client, batches, { signer: options.signer, key }, place, head)
    await client.query('select partywall.audit_drop_month($1::date, $2)', [`${options.month}-01`, events])
    await client.query('update partywall.audit_sealer set ticks = ticks + 1, ticked_at = clock_timestamp()')
    await client.query('commit')
    await options.anchors?.publish(anchor)
    return { events, tenants: batches.length }
  } finally {
    await client.end()
  }
}

/** The month's events per tenant, in the order of the log; all must be sealed. */
async function eventsOf(client: pg.ClientBase, month: string): Promise<readonly Batch[]> {
  const { rows } = await client.query(
    `select e.tenant_id, array_agg(e.id::text order by e.xid, e.occurred_at, e.id) as ids, bool_and(l.id is not null) as sealed
       from partywall.audit_events e
       left join (select tenant_id, unnest(ids) as id from partywall.audit_checkpoints where kind = 'seal') as l
         on l.tenant_id = e.tenant_id and l.id = e.id
       where e.occurred_at >= ($1 || '-01 00:00:00+00')::timestamptz
         and e.occurred_at < ($1 || '-01 00:00:00+00')::timestamptz + interval '1 month'
       group by e.tenant_id order by e.tenant_id collate "C"`,
    [month],
  )
  if (rows.some((row) => row.sealed !== true)) {
    throw new ConfigurationError('Events of this month are not sealed yet. Run the sealer first: partywall audit seal')
  }
  return rows.map((row) => ({ tenant: row.tenant_id, ids: row.ids, leaves: row.ids.map(pruneLeaf) }))
}
