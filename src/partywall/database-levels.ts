import type { AccessControl } from '../access/access-control.ts'
import type { TenantPoolOptions, TenantRoles } from '../database/settings/options.ts'

/** The database's level of a context: by the configured roles, else by what the roles permit, else by the usual names. */
export function databaseLevels(
  roles: TenantRoles | false | undefined,
  access: AccessControl | undefined,
): Pick<TenantPoolOptions, 'roles' | 'levelOf'> {
  if (roles === false) return {}
  if (roles !== undefined) return { roles }
  return access === undefined ? { roles: { tenant_admin: ['owner', 'admin'] } } : { levelOf: access.levelOf }
}
