import type { Placement } from './placement.ts'

/** The person or program that really acts: staff on a support visit, or the `act` claim of a token. */
export interface Actor {
  readonly id: string
  readonly type: 'user' | 'staff' | 'service'
  readonly reason?: string
}

/** The user and tenant of the running code. Frozen; one per request or job; never merged with another. */
export interface TenantContext {
  /** The directory's canonical id, never the raw claim. */
  readonly tenantId: string
  readonly userId: string
  readonly roles: readonly string[]
  /**
   * The token's list of permissions, which narrows the permissions of the roles. Undefined: the token has no list. Empty: nothing is
   * permitted.
   */
  readonly permissions: readonly string[] | undefined
  /** The tenant's plan, as the directory names it: `free`, `pro` or `enterprise` by default. */
  readonly tier: string
  readonly requestId: string
  /** The actor, if somebody acts for the user. */
  readonly actor?: Actor
  /**
   * When the token of the request expires, in milliseconds since 1970. Undefined: the context comes from no token, or the token does not
   * expire. Long answers, such as streams of events, should end then.
   */
  readonly expiresAt?: number
  /** The schema of the tenant's tables, as the tenant directory names it. Undefined: the tenant uses the shared tables. */
  readonly placement?: Placement
}

/** Input of `runWithTenant`. Defaults: no roles; no permissions besides those that the roles give; tier `free`; a new request id. */
export interface TenantContextInput {
  readonly tenantId: string
  readonly userId: string
  readonly roles?: readonly string[] | undefined
  readonly permissions?: readonly string[] | undefined
  readonly tier?: string
  readonly requestId?: string
  readonly actor?: Actor
  readonly expiresAt?: number
  /**
   * The schema of the tenant's tables. It must come from the tenant directory, and never from a client. If you leave it out
   * inside a context of the same tenant, the placement of that outer context is used. If it is not the tenant's placement, a sealed pool gets
   * an error from PostgreSQL.
   */
  readonly placement?: Placement | undefined
}
