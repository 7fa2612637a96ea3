import { createHash, randomBytes } from 'node:crypto'
import { canonicalJson } from '../config/canonical-json.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import { ownText } from '../database/connection/prepared/own-texts.ts'
import type { AuditInput, AuditQueryable } from './audit-event.ts'
import { type DetailsPolicy, detailsText, storable } from './details.ts'

/** Settings for writing events as rows. */
export interface RowPolicy extends DetailsPolicy {
  /** Stores address and user agent as erasable values. */
  readonly privateRequestInfo: boolean
  /** False if contexts are not sealed. The database then reads the user from a plain setting, which the event's statement sets. */
  readonly sealed: boolean
}

/** One event, ready to be sent. */
export interface PreparedEvent {
  readonly text: string
  readonly values: unknown[]
}

const COLUMNS =
  'action, resource, resource_id, outcome, details, actor_type, actor_reason, request_id, ip, user_agent, private_commitment'
const PARAMETERS = '$1, $2, $3, $4, $5::pg_catalog.jsonb, $6, $7, $8, $9, $10, $11::pg_catalog.bytea'
const INSERT = `insert into partywall.audit_events (${COLUMNS})`
const PRIVATE =
  'insert into partywall.audit_private (occurred_at, event_id, subject, salt, data) select e.occurred_at, e.id, $12, $13::pg_catalog.bytea, $14 from e'

const PLAIN = ownText(`${INSERT} values (${PARAMETERS})`)
const WITH_PRIVATE = ownText(`with e as (${PLAIN} returning id, occurred_at) ${PRIVATE}`)
/**
 * SQL that sets the user and then writes the event. PostgreSQL runs the volatile sub-select before it computes the row's defaults, so the
 * defaults read the new setting.
 */
const unsealed = (user: string) =>
  `${INSERT} select ${PARAMETERS} from (select set_config('app.current_user_id', ${user}, true) offset 0) as u`
const UNSEALED = unsealed('$12')
const UNSEALED_PRIVATE = `with e as (${unsealed('$15')} returning id, occurred_at) ${PRIVATE}`

/**
 * Makes the statement that writes one event of a tenant. Values from a client are cut and cleaned, so they can't make the statement fail.
 */
export function prepareEvent(input: AuditInput, context: TenantContext, policy: RowPolicy): PreparedEvent {
  const ip = cut(input.ip, 64)
  const userAgent = cut(input.userAgent, 512)
  const hidden = privateValues(input, ip, userAgent, policy)
  const visible = policy.privateRequestInfo ? [null, null] : [ip, userAgent]
  const values: unknown[] = [
    storable(input.action, 128),
    cut(input.resource, 256),
    cut(input.resourceId, 256),
    input.outcome ?? 'success',
    detailsText(input.details, policy),
    cut(context.actor?.type, 32),
    cut(context.actor?.reason, 512),
    cut(input.requestId ?? context.requestId, 128),
    ...visible,
  ]
  if (hidden === undefined) {
    values.push(null)
    if (!policy.sealed) values.push(context.userId)
    return { text: policy.sealed ? PLAIN : UNSEALED, values }
  }
  const salt = randomBytes(32)
  const subject = storable(input.privateSubject ?? context.userId, 256)
  values.push(commitment(salt, hidden), subject, salt, hidden)
  if (!policy.sealed) values.push(context.userId)
  return { text: policy.sealed ? WITH_PRIVATE : UNSEALED_PRIVATE, values }
}

/**
 * Computes the commitment: a salted hash that the signed row contains in place of the erasable values. Without the salt, an attacker could
 * find an erasable value, such as an e-mail address, by trying possible values.
 */
export function commitment(salt: Uint8Array, data: string): Buffer {
  return createHash('sha256').update(salt).update(data, 'utf8').digest()
}

/** Makes the statement that writes one event without a tenant. */
export function prepareSystemEvent(input: AuditInput, policy: RowPolicy): PreparedEvent {
  return {
    text: 'select partywall.audit_system($1, $2, $3, $4, $5::jsonb, $6, $7, $8)',
    values: [
      storable(input.action, 128),
      cut(input.resource, 256),
      cut(input.resourceId, 256),
      input.outcome ?? 'success',
      detailsText(input.details, policy),
      cut(input.requestId, 128),
      cut(input.ip, 64),
      cut(input.userAgent, 512),
    ],
  }
}

export async function sendEvent(event: PreparedEvent, client: AuditQueryable): Promise<void> {
  await client.query(event.text, event.values)
}

function privateValues(
  input: AuditInput,
  ip: string | null,
  userAgent: string | null,
  policy: RowPolicy,
): string | undefined {
  const request = policy.privateRequestInfo
    ? { ...(ip === null ? {} : { ip }), ...(userAgent === null ? {} : { userAgent }) }
    : {}
  const all = { ...input.private, ...request }
  if (Object.keys(all).length === 0) return undefined
  const parsed: unknown = JSON.parse(detailsText(all, policy))
  return canonicalJson(parsed)
}

function cut(text: string | undefined, max: number): string | null {
  return text === undefined ? null : storable(String(text), max)
}
