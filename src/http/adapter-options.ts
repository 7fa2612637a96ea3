import type { AccessControl } from '../access/access-control.ts'
import type { TenantGuard } from '../guards/tenant-guard.ts'
import type { RateLimiter } from '../rate-limit/rate-limiter.ts'
import { bufferSize } from './answer-judge.ts'
import type { HttpWall } from './request-wall.ts'
import { type AgreementOptions, hintReader } from './tenant-hints.ts'

/** Options that all adapters share. */
export interface AdapterOptions {
  /** Other places of a request that may name a tenant. They must match the token. Default: header `x-tenant-id`. */
  readonly agreement?: AgreementOptions | undefined
  /**
   * True: a request that the limits are known to refuse is refused before directory and membership are asked. Default: true if the adapter
   * counts requests.
   */
  readonly refuseBlocked?: boolean | undefined
  /** False: requests are not counted. Default: they are counted if the wall has a limiter. */
  readonly limit?: boolean | undefined
  /** Checks answers for other tenants' ids before they are sent: `wall.guard`. Default: answers are not checked. */
  readonly guard?: TenantGuard | undefined
  /** Maximum size in bytes of one JSON document or record that the guard holds back. Default 8 MiB. A longer one is refused. */
  readonly maxBufferBytes?: number | undefined
}

/** The checks of an adapter, beside admission. */
export interface Gates {
  readonly limiter: RateLimiter | undefined
  readonly access: AccessControl | undefined
  readonly guard: TenantGuard | undefined
  readonly maxBufferBytes: number
  readonly refuseBlocked: boolean
}

/**
 * Checks the shared options of an adapter.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function gatesOf(wall: HttpWall, options: AdapterOptions, caller: string): Gates {
  hintReader(options.agreement, caller)
  const limiter = options.limit === false ? undefined : wall.limiter
  return {
    limiter,
    access: wall.access,
    guard: options.guard,
    maxBufferBytes: bufferSize(options.maxBufferBytes, caller),
    refuseBlocked: options.refuseBlocked ?? limiter !== undefined,
  }
}
