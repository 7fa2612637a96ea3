import type { Placement } from '../context/placement.ts'

/** A tenant as the directory knows it. */
export interface Tenant {
  /** The canonical id, which contexts carry and policies compare. */
  readonly id: string
  /** Only a tenant with the status `active` may work. */
  readonly status: string
  /** The tenant's tier: a name in `rateLimit.tiers`. */
  readonly tier: string
  /** The claim that names this tenant. If `findByClaim` returns a key, the key must equal the claim that was looked up. */
  readonly key?: string | undefined
  /** The schema of the tenant's own tables. Undefined or null: the tenant uses the shared tables. */
  readonly placement?: Placement | null | undefined
}

/** Finds one tenant. Undefined if there is no such tenant. Throws if the lookup fails. */
export type TenantLookup = (value: string) => Promise<Tenant | undefined>

/** The directory: which tenant a claim names, and whether it may work now. */
export interface TenantDirectory {
  /**
   * The tenant that a verified claim names.
   *
   * @returns the tenant, also if it is suspended; undefined if it is unknown
   * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` if the lookup fails
   */
  findByClaim(value: string): Promise<Tenant | undefined>
  /**
   * The tenant with this canonical id, read without the cache; for envelopes and staff access.
   *
   * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` if the lookup fails
   */
  findById(id: string): Promise<Tenant | undefined>
}

/** Whether the tenant may work. Any status other than `active` is refused. */
export function isActive(tenant: Tenant | undefined): tenant is Tenant {
  return tenant?.status === 'active'
}

/** The part of a context that says where the tenant's tables are. */
export function placementOf({ placement }: Tenant): { readonly placement?: Placement } {
  return placement === undefined || placement === null ? {} : { placement }
}
