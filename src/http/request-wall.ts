import type { AccessControl } from '../access/access-control.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { TenantGuard } from '../guards/tenant-guard.ts'
import type { Logger } from '../logger/logger.ts'
import type { RateLimiter } from '../rate-limit/rate-limiter.ts'
import type { Admission } from '../tenants/admission.ts'
import type { Work } from '../tenants/running-work.ts'

/** The part of a wall that opens requests. */
export interface RequestWall {
  readonly admit: Admission['admit']
  /** Registers a request, so that suspension, or revocation of its context's token, stops it, and closing waits for it. */
  beginWork(tenantId: string, context?: TenantContext): Work
  readonly events: SecurityEvents
  readonly logger: Logger
  /** A header whose value becomes the request id if it is well formed. Set this only behind a proxy that sets the header. */
  readonly requestIdHeader?: string | undefined
}

/** The part of a wall that an adapter of a framework needs: it also checks permissions and limits. */
export interface HttpWall extends RequestWall {
  readonly access: AccessControl | undefined
  readonly limiter: RateLimiter | undefined
  readonly guard: TenantGuard
}
