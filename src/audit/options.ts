import { z } from 'zod'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import type { AuditPool, AuditQueryable } from './audit-event.ts'

/**
 * `required`: if the event can't be written, the action is refused. `bestEffort`: the action goes on; the event waits in memory and is lost
 * if the process dies.
 */
export type AuditMode = 'required' | 'bestEffort'

export interface TenantAuditLoggerOptions {
  /** The tenant pool, for changes and queries. */
  readonly pool: AuditPool
  /**
   * A separate small tenant pool for events outside a transaction, so that writing an event never waits for other work. Default: `pool`.
   */
  readonly reserved?: AuditQueryable | undefined
  /** The mode of actions that are not sensitive; default `bestEffort`. Sensitive actions are always `required`. */
  readonly mode?: AuditMode | undefined
  /** More sensitive actions, besides `SENSITIVE_ACTIONS`. */
  readonly sensitiveActions?: readonly string[] | undefined
  /** More names whose values are redacted in `details` and `private`. */
  readonly secretNames?: readonly string[] | undefined
  /** Maximum size of `details` in bytes. Default 8192, at most 65536. */
  readonly maxDetailsBytes?: number | undefined
  /** Stores ip and user agent with the erasable values and not in the signed row; default false. */
  readonly privateRequestInfo?: boolean | undefined
  /** Maximum number of events that may wait in memory; default 10_000. */
  readonly outboxLimit?: number | undefined
  /** Set `false` if the pool has `seal: false`. The user then comes from a plain setting, which injected SQL can forge. */
  readonly sealed?: boolean | undefined
  /** Returns the client address and user agent of the current request. Values in the event itself have priority. */
  readonly requestInfo?:
    | (() => { readonly ip?: string | undefined; readonly userAgent?: string | undefined } | undefined)
    | undefined
  /** Receives SENSITIVE_ACTION. */
  readonly events?: SecurityEvents | undefined
  readonly logger?: Logger | undefined
}

const querying = (value: unknown) =>
  value !== null && typeof value === 'object' && typeof Reflect.get(value, 'query') === 'function'

export const loggerOptions = z.object({
  pool: z.custom<AuditPool>(
    (value) => querying(value) && typeof Reflect.get(Object(value), 'transaction') === 'function',
    'must be a tenant pool: createTenantPool(options)',
  ),
  reserved: z.custom<AuditQueryable>(querying, 'must be a tenant pool').optional(),
  mode: z.enum(['required', 'bestEffort']).default('bestEffort'),
  sensitiveActions: z.array(z.string().min(1)).default([]),
  secretNames: z.array(z.string().min(1)).default([]),
  maxDetailsBytes: z.int().min(256).max(65_536).default(8_192),
  privateRequestInfo: z.boolean().default(false),
  outboxLimit: z.int().min(1).max(1_000_000).default(10_000),
  sealed: z.boolean().default(true),
  requestInfo: z
    .custom<NonNullable<TenantAuditLoggerOptions['requestInfo']>>((value) => typeof value === 'function')
    .optional(),
  events: z.custom<SecurityEvents>((value) => value !== null && typeof value === 'object').optional(),
  logger: z.custom<Logger>((value) => value !== null && typeof value === 'object').optional(),
})
