/** The person or program that really acts, where staff act for a tenant. */
export interface Actor {
  readonly id: string
  readonly type: 'user' | 'staff' | 'service'
  readonly reason?: string
}

/** Who is asking, for which tenant. Frozen; one per request or job; never merged with another. */
export interface TenantContext {
  /** The directory's canonical id, never the raw claim. */
  readonly tenantId: string
  readonly userId: string
  readonly roles: readonly string[]
  /** What a token left of the roles' permissions. Undefined: it said nothing of them. An empty list: it left none. */
  readonly permissions: readonly string[] | undefined
  /** A key of `config.tiers`: `free`, `pro` or `enterprise` by default. */
  readonly tier: string
  readonly requestId: string
  /** Who really acts, when staff act for a tenant. */
  readonly actor?: Actor
}

/** What `runWithTenant` takes: a context whose optional parts have defaults (no roles, permissions as the roles give them, tier `free`, a new request id). */
export interface TenantContextInput {
  readonly tenantId: string
  readonly userId: string
  readonly roles?: readonly string[] | undefined
  readonly permissions?: readonly string[] | undefined
  readonly tier?: string
  readonly requestId?: string
  readonly actor?: Actor
}
