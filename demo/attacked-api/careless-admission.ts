import { getCurrentTenant, type Partywall, runWithTenant, TenantInactiveError } from 'partywall'
import type { Layers } from './layers.ts'

/**
 * Admission of requests that skips a check, for the demo's `--without token-check` and `--without directory`.
 * Never do this.
 */
export function carelessAdmission(wall: Partywall, layers: Layers): Pick<Partywall, 'admit' | 'beginWork'> {
  // Code that does not ask the directory does not notice a suspension either.
  const beginWork: Partywall['beginWork'] = layers.directory
    ? wall.beginWork
    : () => ({ stopped: () => undefined, onStop() {}, end() {} })
  const admit: Partywall['admit'] = async ({ token, requestId }) => {
    const verified = layers.tokenCheck ? await wall.verifyToken(token) : undefined
    const claims = verified === undefined ? believed(token) : claimsOf(verified)
    const tenant = await wall.tenants.findByClaim(claims.tenant)
    if (tenant === undefined || (layers.directory && tenant.status !== 'active'))
      throw new TenantInactiveError('no such tenant')
    const { id: tenantId, tier } = tenant
    if (verified !== undefined) await wall.verifier.authorize(verified, { id: tenantId, tier })
    // The context is built as usual. Only the check of the tenant is missing.
    return runWithTenant({ tenantId, userId: claims.user, roles: claims.roles, tier, requestId }, getCurrentTenant)
  }
  return { admit, beginWork }
}

interface Claims {
  readonly tenant: string
  readonly user: string
  readonly roles: readonly string[]
}

function claimsOf({ tenantClaim, userId, roles }: Awaited<ReturnType<Partywall['verifyToken']>>): Claims {
  return { tenant: tenantClaim, user: userId, roles }
}

/** Reads a token's claims without verifying its signature or checking whether they are still valid. */
function believed(token: unknown): Claims {
  const payload = String(token).split('.')[1] ?? ''
  const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
  const read = (name: string): unknown =>
    claims !== null && typeof claims === 'object' ? Reflect.get(claims, name) : ''
  const roles = read('roles')
  return {
    tenant: String(read('org_id')),
    user: String(read('sub')),
    roles: Array.isArray(roles) ? roles.map(String) : [],
  }
}
