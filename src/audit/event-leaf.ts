import { leafHash } from './merkle.ts'

/**
 * Details of more than 128 KiB are signed by their digest. Such rows are older than the size limit; a tenant could have written them to
 * stop the sealer. Details of at most 2,000 uncompressed bytes are always short as text, so they need no check by the function.
 */
const DETAILS = `case when pg_column_size(e.details) <= 2000 and pg_column_compression(e.details) is null then e.details::text
  else partywall.audit_details_text(e.details) end`

/**
 * The signed columns of an event, in the order in which they stand in the event's leaf of the Merkle tree, as texts that do not depend on
 * settings of the session. `details` is PostgreSQL's own text of the jsonb: parsing it in JavaScript would lose digits of long numbers, so
 * a change of such a digit would not be noticed.
 */
const LEAF_COLUMNS = `e.tenant_id, e.id::text, to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  e.xid::text, e.user_id, e.actor_id, e.role, e.action, e.resource, e.resource_id, e.outcome, ${DETAILS}, e.actor_type,
  e.actor_reason, e.request_id, e.ip, e.user_agent, encode(e.private_commitment, 'hex')`

/**
 * The columns that are read for each event: the text that is hashed for the leaf, and the columns that the code needs. The text is the JSON
 * of ["partywall.event.v1", …columns], exactly as JSON.stringify writes it. PostgreSQL builds it, because parsing eighteen columns here and
 * building the text from them took most of the time of sealing and verifying.
 */
export const EVENT_COLUMNS = `array_to_json(array['partywall.event.v1', ${LEAF_COLUMNS}])::text, e.tenant_id, e.id::text, e.xid::text,
  to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), encode(e.private_commitment, 'hex')`

/** Positions of the columns in `EVENT_COLUMNS`. */
export const EVENT_AT = { leafText: 0, tenant: 1, id: 2, xid: 3, occurredAt: 4, commitment: 5 } as const

/** The leaf over the whole text, computed by the server, in hex. An older release signed this for an event with large details. */
export const WHOLE_LEAF = `encode(sha256('\\x00'::bytea || convert_to(array_to_json(array['partywall.event.v1', ${LEAF_COLUMNS.replace(DETAILS, 'e.details::text')}])::text, 'UTF8')), 'hex')`

/**
 * Says what the leaf contains in place of the text of the details: `digest` (their digest), `unreadable` (only their size), or undefined if
 * it contains the text.
 */
export function setAside(leafText: string): 'digest' | 'unreadable' | undefined {
  // The text of a jsonb value never begins with one of these words, so only this column is compared with them.
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
