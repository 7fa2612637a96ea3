/** A tenant as the directory knows it. */
export interface Tenant {
  /** The canonical id: what policies compare, and what contexts carry. */
  readonly id: string
  /** `active` may work; every other word may not. */
  readonly status: string
  /** A key of the rate limit's tiers. */
  readonly tier: string
  /** The claim that names this tenant. Where a lookup gives it, it must be the claim that was asked for. */
  readonly key?: string | undefined
}

/** Finds one tenant; undefined if there is none. Throws if the lookup fails. */
export type TenantLookup = (value: string) => Promise<Tenant | undefined>

/** The directory: which tenant a claim names, and whether it may work now. */
export interface TenantDirectory {
  /**
   * The tenant that a verified claim names.
   *
   * @returns also suspended tenants; undefined for an unknown one
   * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` if the lookup fails
   */
  findByClaim(value: string): Promise<Tenant | undefined>
  /**
   * The tenant with this canonical id, read anew; for envelopes and staff access.
   *
   * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` if the lookup fails
   */
  findById(id: string): Promise<Tenant | undefined>
}

/** Only an active tenant may work; an unknown word is a refusal. */
export function isActive(tenant: Tenant | undefined): tenant is Tenant {
  return tenant?.status === 'active'
}
