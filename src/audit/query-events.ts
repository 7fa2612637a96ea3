import { InvalidInputError } from '../errors.ts'
import type { AuditEvent, AuditOutcome, AuditQueryable } from './audit-event.ts'

/** Filter for events. All of its parts must match. */
export interface AuditFilter {
  readonly action?: string | undefined
  readonly userId?: string | undefined
  readonly resource?: string | undefined
  readonly resourceId?: string | undefined
  readonly outcome?: AuditOutcome | undefined
  /** Only events at this time or later. */
  readonly from?: Date | undefined
  /** Only events before this time. */
  readonly to?: Date | undefined
  /** 1 to 1000, default 100. */
  readonly limit?: number | undefined
  /** `nextCursor` of the previous page. */
  readonly cursor?: string | undefined
}

export interface AuditPage {
  readonly events: readonly AuditEvent[]
  /** Undefined on the last page. */
  readonly nextCursor: string | undefined
}

const TIME = `to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
const COLUMNS = `id::text as id, ${TIME} as at, tenant_id, user_id, actor_id, role, action, resource, resource_id, outcome,
  details::text as details, actor_type, actor_reason, request_id, ip, user_agent`
const CURSOR = /^(\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)\|([0-9a-f-]{36})$/

/**
 * One page of one stream's events, newest first.
 *
 * @param tenantId the tenant, or '' for the system stream (a login of `partywall_auditor`)
 */
export async function queryEvents(client: AuditQueryable, tenantId: string, filter: AuditFilter): Promise<AuditPage> {
  const limit = filter.limit ?? 100
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) throw new InvalidInputError('limit must be 1 to 1000.')
  const values: unknown[] = [tenantId]
  const conditions = ['tenant_id = $1']
  const add = (sql: (parameter: string) => string, value: unknown) => {
    values.push(value)
    conditions.push(sql(`$${values.length}`))
  }
  if (filter.action !== undefined) add((p) => `action = ${p}`, text(filter.action, 'action'))
  if (filter.userId !== undefined) add((p) => `user_id = ${p}`, text(filter.userId, 'userId'))
  if (filter.resource !== undefined) add((p) => `resource = ${p}`, text(filter.resource, 'resource'))
  if (filter.resourceId !== undefined) add((p) => `resource_id = ${p}`, text(filter.resourceId, 'resourceId'))
  if (filter.outcome !== undefined) add((p) => `outcome = ${p}`, text(filter.outcome, 'outcome'))
  if (filter.from !== undefined) add((p) => `occurred_at >= ${p}::timestamptz`, time(filter.from, 'from'))
  if (filter.to !== undefined) add((p) => `occurred_at < ${p}::timestamptz`, time(filter.to, 'to'))
  if (filter.cursor !== undefined) {
    const [at, id] = readCursor(filter.cursor)
    values.push(at, id)
    conditions.push(`(occurred_at, id) < ($${values.length - 1}::timestamptz, $${values.length}::uuid)`)
  }
  values.push(limit + 1)
  const { rows } = await client.query(
    `select ${COLUMNS} from partywall.audit_events where ${conditions.join(' and ')}
     order by occurred_at desc, id desc limit $${values.length}`,
    values,
  )
  const events = rows.slice(0, limit).map(readEvent)
  const last = events.at(-1)
  const nextCursor =
    rows.length > limit && last !== undefined
      ? Buffer.from(`${last.timestamp}|${last.id}`).toString('base64url')
      : undefined
  return { events, nextCursor }
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string' || value.includes('\u0000')) throw new InvalidInputError(`${name} must be a text.`)
  return value
}

function time(value: unknown, name: string): string {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) throw new InvalidInputError(`${name} must be a Date.`)
  return value.toISOString()
}

function readCursor(cursor: unknown): readonly [string, string] {
  const match = typeof cursor === 'string' ? CURSOR.exec(Buffer.from(cursor, 'base64url').toString('latin1')) : null
  const [, at, id] = match ?? []
  if (at === undefined || id === undefined || Number.isNaN(Date.parse(at))) {
    throw new InvalidInputError('cursor must be the nextCursor of an earlier page.')
  }
  return [at, id]
}

function readEvent(row: unknown): AuditEvent {
  const get = (name: string): unknown => Reflect.get(Object(row), name)
  const must = (name: string) => String(get(name))
  const may = (name: string) => {
    const value = get(name)
    return typeof value === 'string' ? value : undefined
  }
  const details: unknown = JSON.parse(must('details'))
  const actorId = may('actor_id')
  const type = may('actor_type')
  const reason = may('actor_reason')
  const outcome = must('outcome')
  return {
    id: must('id'),
    timestamp: must('at'),
    tenantId: must('tenant_id'),
    userId: may('user_id'),
    action: must('action'),
    resource: may('resource'),
    resourceId: may('resource_id'),
    outcome: outcome === 'failure' || outcome === 'denied' ? outcome : 'success',
    details: details !== null && typeof details === 'object' && !Array.isArray(details) ? { ...details } : {},
    actor:
      actorId === undefined
        ? undefined
        : { id: actorId, ...(type === undefined ? {} : { type }), ...(reason === undefined ? {} : { reason }) },
    role: must('role'),
    requestId: may('request_id'),
    ip: may('ip'),
    userAgent: may('user_agent'),
  }
}
