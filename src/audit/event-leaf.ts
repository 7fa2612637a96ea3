import { leafHash } from './merkle.ts'

/**
 * All that is signed of an event, in the order of the leaf, each as text in a form that no setting of the session changes.
 * details stay PostgreSQL's own text of the jsonb: parsing it here would lose digits of long numbers, and a change there.
 */
export const LEAF_COLUMNS = `e.tenant_id, e.id::text, to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  e.xid::text, e.user_id, e.actor_id, e.role, e.action, e.resource, e.resource_id, e.outcome, e.details::text, e.actor_type,
  e.actor_reason, e.request_id, e.ip, e.user_agent, encode(e.private_commitment, 'hex')`
export const LEAF_WIDTH = 18

/** Where things stand in a leaf's columns. */
export const LEAF_AT = { tenant: 0, id: 1, occurredAt: 2, xid: 3, commitment: 17 } as const

/** SHA-256(0x00 || JSON of ["partywall.event.v1", …columns]). */
export function eventLeaf(columns: readonly unknown[]): Buffer {
  return leafHash(Buffer.from(JSON.stringify(['partywall.event.v1', ...columns]), 'utf8'))
}
