import { openLoginPool } from '../../src/doctor/open-login-pool.ts'
import { TENANT_CURES } from '../../src/partywall/refusal-cures.ts'
import { createPostgresLookup } from '../../src/tenants/postgres-lookup.ts'
import { isActive } from '../../src/tenants/tenant.ts'

/** The answer of the directory in the database about a tenant claim. */
export interface DirectoryAnswer {
  readonly verdict: 'ok' | 'refused'
  readonly sentence: string
}

/**
 * Asks the directory for a tenant claim, as the application's login does.
 *
 * @param secret the root secret of the seal; undefined where the database has none
 * @throws an error of pg if the database can't be reached
 */
export async function askDirectory(
  databaseUrl: string,
  secret: string | undefined,
  claim: string,
): Promise<DirectoryAnswer> {
  const pool = openLoginPool({ databaseUrl, sealSecret: secret })
  try {
    const { findByClaim, findById } = createPostgresLookup(pool)
    const tenant = await findByClaim(claim)
    if (tenant !== undefined) {
      const { id, status, tier } = tenant
      return isActive(tenant)
        ? { verdict: 'ok', sentence: `tenant ${id}, active, tier ${tier}` }
        : { verdict: 'refused', sentence: `tenant ${id} is ${status}. ${TENANT_CURES.suspended}` }
    }
    const byId = await findById(claim)
    return {
      verdict: 'refused',
      sentence:
        byId === undefined
          ? TENANT_CURES.unknown
          : 'The claim holds the id of a tenant, and the directory looks tenants up by another key (a slug). Put that key into the claim.',
    }
  } finally {
    await pool.close()
  }
}
