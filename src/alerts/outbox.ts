import type { Alert, AlertSeverity } from './alert.ts'

/** The part of `query` that all pools have. */
export interface AlertQueryable {
  query(
    text: string,
    values?: unknown[],
  ): Promise<{ readonly rows: readonly unknown[]; readonly rowCount?: number | null }>
}

/** One alert that a sender has reserved until its lease ends. */
export interface ClaimedAlert {
  readonly seq: string
  readonly attempts: number
  readonly firstAtMs: number
  readonly alert: Alert
  /** The reason why this row can't be read as an alert, for example a date that JavaScript can't represent. */
  readonly unreadable: string | undefined
}

/** Registers a sink for delivery. The outbox accepts alerts for registered sinks only. */
export async function registerSink(client: AlertQueryable, sink: string): Promise<void> {
  await client.query('insert into partywall.alert_sinks (name) values ($1) on conflict do nothing', [sink])
}

// Take only the oldest alert of each stream, so that a tenant's alerts arrive in order. SKIP LOCKED lets several senders share the work.
const CLAIM = `with head as (select distinct on (stream) seq from partywall.alerts
    where sink = $1 and status = 'pending' order by stream, seq),
  mine as (select a.seq from partywall.alerts a join head using (seq)
    where a.due_at <= $2 and coalesce(a.locked_until <= $2, true) order by a.seq limit 20 for update of a skip locked)
  update partywall.alerts a set attempts = a.attempts + 1, locked_until = $2::timestamptz + $3 * interval '1 millisecond'
  from mine where a.seq = mine.seq
  returning a.seq::text, a.id::text, a.stream, a.type, a.payload, a.count::float8, a.first_at, a.last_at, a.attempts`

/** Takes the due alerts of a sink for the time of a lease. If the sender dies, another sender may take these alerts when the lease ends. */
export async function claimAlerts(
  client: AlertQueryable,
  sink: string,
  now: Date,
  leaseMs: number,
): Promise<readonly ClaimedAlert[]> {
  const { rows } = await client.query(CLAIM, [sink, now, leaseMs])
  return rows.map(readClaim).sort((a, b) => Number(BigInt(a.seq) - BigInt(b.seq)))
}

export async function markDelivered(client: AlertQueryable, seq: string, now: Date): Promise<void> {
  await client.query(
    "update partywall.alerts set status = 'delivered', ended_at = $2, locked_until = null, last_error = null where seq = $1",
    [seq, now],
  )
}

/** Puts the alert back into the queue, to be sent at the time `outcome.again`. Without this time, the alert becomes a dead letter. */
export async function markFailed(
  client: AlertQueryable,
  seq: string,
  outcome: { readonly error: string; readonly again: Date | undefined; readonly now: Date },
): Promise<void> {
  await client.query(
    `update partywall.alerts set last_error = left($2, 500), locked_until = null, due_at = coalesce($3, due_at),
       status = case when $3::timestamptz is null then 'dead' else status end,
       ended_at = case when $3::timestamptz is null then $4::timestamptz end
     where seq = $1`,
    // PostgreSQL can't store the character NUL, and a sink's error may quote a NUL that a tenant sent.
    [seq, outcome.error.slice(0, 2_000).replaceAll('\u0000', '\uFFFD'), outcome.again, outcome.now],
  )
}

/** An alert that could not be delivered to its sink. */
export interface DeadAlert {
  readonly sink: string
  readonly attempts: number
  readonly lastError: string
  readonly alert: Alert
}

/** The newest dead letters. */
export async function listDeadAlerts(client: AlertQueryable): Promise<readonly DeadAlert[]> {
  const { rows } = await client.query(
    `select seq::text, id::text, sink, stream, type, payload, count::float8, first_at, last_at, attempts, last_error
       from partywall.alerts where status = 'dead' order by seq desc limit 1000`,
  )
  return rows.map((row) => {
    const { attempts, alert } = readClaim(row)
    const get = (name: string): unknown => Reflect.get(Object(row), name)
    return { sink: String(get('sink')), attempts, lastError: String(get('last_error')), alert }
  })
}

/** Puts dead letters of a sink back into its queue. @returns how many */
export async function retryDeadAlerts(client: AlertQueryable, sink: string, now = new Date()): Promise<number> {
  const { rowCount } = await client.query(
    `update partywall.alerts set status = 'pending', due_at = $2, first_at = $2, ended_at = null, attempts = greatest(attempts, 1)
       where sink = $1 and status = 'dead'`,
    [sink, now],
  )
  return rowCount ?? 0
}

/**
 * Deletes rows whose delivery ended before the time `before.delivered`, and rows of any state that were neither added nor
 * retried by hand since the time `before.any`. The latter are dead letters, and alerts of a sink to which no process delivers.
 */
export async function forgetOld(client: AlertQueryable, before: { delivered: Date; any: Date }): Promise<void> {
  await client.query(
    "delete from partywall.alerts where (status = 'delivered' and ended_at < $1) or (added_at < $2 and first_at < $2)",
    [before.delivered, before.any],
  )
}

function readClaim(row: unknown): ClaimedAlert {
  const get = (name: string): unknown => Reflect.get(Object(row), name)
  const payload = Object(get('payload'))
  const text = (name: string) => {
    const value: unknown = Reflect.get(payload, name)
    return typeof value === 'string' ? value : undefined
  }
  const firstAt = readDate(get('first_at'))
  const lastAt = readDate(get('last_at'))
  const type = String(get('type'))
  const unreadable = firstAt === undefined || lastAt === undefined ? 'first_at or last_at is no date' : undefined
  return {
    seq: String(get('seq')),
    attempts: Number(get('attempts')),
    firstAtMs: firstAt?.getTime() ?? 0,
    unreadable,
    alert: {
      id: String(get('id')),
      type: knownType(type),
      severity: knownSeverity(text('severity')),
      tenantId: tenantOf(String(get('stream'))),
      userId: text('userId'),
      requestId: text('requestId'),
      count: Number(get('count')),
      firstAt: firstAt?.toISOString() ?? 'unreadable',
      lastAt: lastAt?.toISOString() ?? 'unreadable',
      details: { ...Object(Reflect.get(payload, 'details')) },
    },
  }
}

/** For the timestamp `infinity` pg returns a number. For a timestamp in the year 294000 it returns an invalid Date. */
function readDate(value: unknown): Date | undefined {
  return value instanceof Date && Number.isFinite(value.getTime()) ? value : undefined
}

/** Reads the tenant from the stream and not from the payload: in rows of older releases the payload could name another tenant. */
function tenantOf(stream: string): string | undefined {
  return stream === '' ? undefined : stream
}

/** Only partywall's own code adds alerts, and it gives them only types of events. */
function knownType(type: string): Alert['type'] {
  return type as Alert['type']
}

function knownSeverity(text: string | undefined): AlertSeverity {
  return text === 'low' || text === 'high' || text === 'critical' ? text : 'medium'
}
