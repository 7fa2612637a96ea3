import { openLoginPool } from '../../src/doctor/open-login-pool.ts'
import { TENANT_CURES } from '../../src/partywall/refusal-cures.ts'
import { createPostgresLookup, isDirectoryMissing } from '../../src/tenants/postgres-lookup.ts'
import { isActive } from '../../src/tenants/tenant.ts'

/** The answer of the directory in the database about a tenant claim. */
export interface DirectoryAnswer {
  /** `not-checked`: the database has no directory that the login can ask. */
  readonly verdict: 'ok' | 'refused' | 'not-checked'
  readonly sentence: string
}

const NO_DIRECTORY =
  'Not checked: the database has no function partywall.tenant_by_key that this login may call. An application whose tenants.findByClaim is a function of its own needs none: look the tenant up with that function.'

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
    // Without this function, the claim is just unknown.
    const byId = await findById(claim).catch((error: unknown) => {
      if (!isDirectoryMissing(error)) throw error
    })
    return {
      verdict: 'refused',
      sentence:
        byId === undefined
          ? TENANT_CURES.unknown
          : 'The claim holds the id of a tenant, and the directory looks tenants up by another key (a slug). Put that key into the claim.',
    }
  } catch (error) {
    if (isDirectoryMissing(error)) return { verdict: 'not-checked', sentence: NO_DIRECTORY }
    throw error
  } finally {
    await pool.close()
  }
}
