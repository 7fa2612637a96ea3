/** A place besides the token that names a tenant, such as a header. It must match the token. */
export interface TenantHint {
  /** The place, for the event: `header x-tenant-id`, `subdomain`, `path`. */
  readonly source: string
  readonly value: string
}

/**
 * The first hint that names another tenant than the token does; undefined where all agree.
 *
 * A hint may be the claim as the token holds it, or the tenant's canonical id. Nothing is trimmed or decoded, so that two hints in one
 * header (`a, b`) agree with nobody; letters' case is ignored, as hosts and UUIDs have none.
 */
export function disagreement(
  hints: readonly TenantHint[],
  tenantClaim: string,
  tenantId: string,
): TenantHint | undefined {
  const claim = tenantClaim.toLowerCase()
  const id = tenantId.toLowerCase()
  return hints.find(({ value }) => {
    const named = value.toLowerCase()
    return named !== claim && named !== id
  })
}
