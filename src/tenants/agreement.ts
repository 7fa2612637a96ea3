/** A place besides the token that names a tenant, such as a header. It must match the token. */
export interface TenantHint {
  /** The place, for the event: `header x-tenant-id`, `subdomain`, `path`. */
  readonly source: string
  readonly value: string
}

/**
 * The first hint that names another tenant than the token; undefined if all match.
 *
 * A hint may be the claim in the token, or the tenant's canonical id. Hints are not trimmed or decoded, so two values in one header
 * (`a, b`) match no tenant. Upper and lower case are equal, as in host names and UUIDs.
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
