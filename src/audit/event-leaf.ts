import { leafHash } from './merkle.ts'

/**
 * All that is signed of an event, in the order of the leaf, each as text in a form that no setting of the session changes.
 * details stay PostgreSQL's own text of the jsonb: parsing it here would lose digits of long numbers, and a change there.
 */
const LEAF_COLUMNS = `e.tenant_id, e.id::text, to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  e.xid::text, e.user_id, e.actor_id, e.role, e.action, e.resource, e.resource_id, e.outcome, e.details::text, e.actor_type,
  e.actor_reason, e.request_id, e.ip, e.user_agent, encode(e.private_commitment, 'hex')`

/**
 * What an event is read as: the text that its leaf hashes, and the columns that are looked at. The text is JSON of
 * ["partywall.event.v1", …columns] as JSON.stringify writes it too. PostgreSQL makes it in one piece: eighteen columns to
 * parse, and a string to build of them, were most of the price of sealing and verifying here.
 */
export const EVENT_COLUMNS = `array_to_json(array['partywall.event.v1', ${LEAF_COLUMNS}])::text, e.tenant_id, e.id::text, e.xid::text,
  to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), encode(e.private_commitment, 'hex')`

/** Where things stand in `EVENT_COLUMNS`. */
export const EVENT_AT = { leafText: 0, tenant: 1, id: 2, xid: 3, occurredAt: 4, commitment: 5 } as const

/** SHA-256(0x00 || the text of the leaf). */
export function eventLeaf(text: string): Buffer {
  return leafHash(text)
}
