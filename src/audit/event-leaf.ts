import { leafHash } from './merkle.ts'

/**
 * More than 128 KiB of details are signed by their digest: rows from before the limit, which one tenant could have written to stop
 * the sealer. At most 2,000 bytes that are not compressed are short as text, whatever they hold; they need no function.
 */
const DETAILS = `case when pg_column_size(e.details) <= 2000 and pg_column_compression(e.details) is null then e.details::text
  else partywall.audit_details_text(e.details) end`

/**
 * The signed columns of an event, in the order of the leaf, as texts that do not depend on settings of the session. `details` is
 * PostgreSQL's own text of the jsonb: parsing it here would lose digits of long numbers, so a change in them would not be noticed.
 */
const LEAF_COLUMNS = `e.tenant_id, e.id::text, to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  e.xid::text, e.user_id, e.actor_id, e.role, e.action, e.resource, e.resource_id, e.outcome, ${DETAILS}, e.actor_type,
  e.actor_reason, e.request_id, e.ip, e.user_agent, encode(e.private_commitment, 'hex')`

/**
 * What an event is read as: the text that its leaf hashes, and the columns that are looked at. The text is JSON of
 * ["partywall.event.v1", …columns] as JSON.stringify writes it too. PostgreSQL makes it in one piece: eighteen columns to
 * parse, and a string to build of them, were most of the price of sealing and verifying here.
 */
export const EVENT_COLUMNS = `array_to_json(array['partywall.event.v1', ${LEAF_COLUMNS}])::text, e.tenant_id, e.id::text, e.xid::text,
  to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), encode(e.private_commitment, 'hex')`

/** Positions of the columns in `EVENT_COLUMNS`. */
export const EVENT_AT = { leafText: 0, tenant: 1, id: 2, xid: 3, occurredAt: 4, commitment: 5 } as const

/** The leaf over the whole text, made by the server, in hex: what an older release signed of an event with large details. */
export const WHOLE_LEAF = `encode(sha256('\\x00'::bytea || convert_to(array_to_json(array['partywall.event.v1', ${LEAF_COLUMNS.replace(DETAILS, 'e.details::text')}])::text, 'UTF8')), 'hex')`

/** `digest` or `unreadable` where the leaf holds that of the details instead of their text. */
export function setAside(leafText: string): 'digest' | 'unreadable' | undefined {
  // A text of jsonb begins with none of these words; other columns may hold them.
  if (!leafText.includes('"partywall-')) return undefined
  const columns: unknown = JSON.parse(leafText)
  const details: unknown = Array.isArray(columns) ? columns[DETAILS_AT] : undefined
  if (typeof details !== 'string') return undefined
  if (details.startsWith('partywall-digest ')) return 'digest'
  return details.startsWith('partywall-unreadable ') ? 'unreadable' : undefined
}

const DETAILS_AT = 12

/** SHA-256(0x00 || the text of the leaf). */
export function eventLeaf(text: string): Buffer {
  return leafHash(text)
}
