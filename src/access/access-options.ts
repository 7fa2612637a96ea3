import { z } from 'zod'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import { isGrant, type RoleSource } from './grants.ts'
import { type GrantPattern, isGrantPattern } from './permission-pattern.ts'

/** Options of `createAccessControl`. */
export interface AccessControlOptions<P extends string = string> {
  /** The permissions of each role inside a tenant. A role that is not listed has none. */
  readonly roles: RoleSource<P>
  /**
   * How the permissions in a token (`context.permissions`) narrow the permissions of the roles. They never widen them.
   *
   * - `when-present` (default): a claim narrows the roles' permissions, and an empty claim leaves none. Without the claim the roles decide;
   * - `always`: as `when-present`, but without the claim there are no permissions. Choose it if each of your tokens has the claim;
   * - `never`: only the roles decide.
   */
  readonly tokenPermissions?: 'when-present' | 'always' | 'never'
  /**
   * Permissions that raise the database role to `tenant_admin`. One of these permissions is enough, also with a condition or as part of a
   * wider grant. Default `['*']`: only users who may do everything.
   */
  readonly levels?: { readonly tenant_admin: readonly GrantPattern<P>[] }
  /** Tiers from the lowest to the highest; default `free`, `pro`, `enterprise`. */
  readonly tiers?: readonly string[]
  /**
   * `report` counts and logs refusals but does not enforce them, for a gradual adoption. The database role of a statement (`tenant_user` or
   * `tenant_admin`) is chosen as with `enforce`.
   */
  readonly enforcement?: 'enforce' | 'report'
  /** Emitter for PERMISSION_DENIED. Default: the emitter of the current tenant context. */
  readonly events?: SecurityEvents
  /** Each decision is explained at level debug. Default: warnings as JSON on standard error. */
  readonly logger?: Logger
}

const pattern = z.custom<string>(isGrantPattern, 'expected a permission (documents:read), documents:* or *')
const grant = z.custom(isGrant, 'expected a permission (documents:read), documents:*, * or { permission, when }')

export const accessSchema = z.strictObject({
  roles: z.union(
    [z.record(z.string(), z.array(grant)), z.custom((value) => typeof value === 'function')],
    'expected roles with lists of permissions (documents:read, documents:*, *), or a function',
  ),
  tokenPermissions: z.enum(['when-present', 'always', 'never']).optional(),
  levels: z.strictObject({ tenant_admin: z.array(pattern) }).optional(),
  tiers: z.array(z.string().min(1)).min(1).optional(),
  enforcement: z.enum(['enforce', 'report']).optional(),
  events: z.custom((value) => typeof value === 'object' && value !== null, 'expected events').optional(),
  logger: z.custom((value) => typeof value === 'object' && value !== null, 'expected a logger').optional(),
})
