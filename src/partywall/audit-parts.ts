import type pg from 'pg'
import type { TenantAuditLoggerOptions } from '../audit/options.ts'
import { type RecordRefusalsOptions, recordRefusals } from '../audit/record-refusals.ts'
import { TenantAuditLogger } from '../audit/tenant-audit-logger.ts'
import { currentClient } from '../context/client-info.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import { createTenantPool, type TenantPool } from '../database/pool/create-tenant-pool.ts'
import type { TenantPoolOptions } from '../database/settings/options.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import type { ActAsRequest } from './staff-access.ts'

/** How the audit log is written. */
export interface AuditConfig
  extends Omit<TenantAuditLoggerOptions, 'pool' | 'reserved' | 'sealed' | 'requestInfo' | 'events' | 'logger'> {
  /** How refusals are written and how repeats are counted; `false` writes none. */
  readonly refusals?: Omit<RecordRefusalsOptions, 'logger'> | false | undefined
}

/** The audit log of a wall, with its connections. */
export interface AuditParts {
  readonly audit: TenantAuditLogger
  /** Connections that only the audit uses. */
  readonly reserved: TenantPool
  recordVisit(context: TenantContext, request: ActAsRequest): Promise<void>
  close(timeoutMs: number): Promise<void>
}

/** Makes the audit log on the wall's pool and on two separate connections, so that writing an event never waits for tenants' work. */
export function makeAudit(
  config: AuditConfig,
  parts: {
    readonly pool: TenantPool
    readonly options: TenantPoolOptions
    readonly events: SecurityEvents
    readonly logger: Logger
  },
): AuditParts {
  const { pool, options, events, logger } = parts
  const { refusals, sensitiveActions = [], ...rest } = config
  // The reserved pool runs only the wall's own statements, so it gets neither the user's onConnect nor a pool for crossings. It gets no
  // event emitter, because the wall's pool emits these events.
  const { acrossTenantsUrl: _, onConnect: __, ...connection }: TenantPoolOptions & pg.PoolConfig = options
  const reserved = createTenantPool({ ...connection, max: 2, logger })
  reserved.on('error', () => {}) // the next event gets another connection
  const audit = new TenantAuditLogger({
    ...rest,
    pool,
    reserved,
    sensitiveActions: [...sensitiveActions, 'STAFF_ACCESS'],
    sealed: options.seal !== false,
    requestInfo: currentClient,
    events,
    logger,
  })
  const recorder = refusals === false ? undefined : recordRefusals(events, audit, { ...refusals, logger })
  return {
    audit,
    reserved,
    recordVisit: (context, { reason, write = false }) =>
      audit.logFor(context, {
        action: 'STAFF_ACCESS',
        resource: 'tenant',
        resourceId: context.tenantId,
        details: { reason, write },
      }),
    async close(timeoutMs) {
      await recorder?.close()
      await reserved.close({ timeoutMs })
    },
  }
}
