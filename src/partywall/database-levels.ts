import type { AccessControl } from '../access/access-control.ts'
import type { TenantPoolOptions, TenantRoles } from '../database/settings/options.ts'

/**
 * The database role of a context: from `database.roles`, otherwise from the permissions in `access`, otherwise from the default role names.
 */
export function databaseLevels(
  roles: TenantRoles | false | undefined,
  access: AccessControl | undefined,
): Pick<TenantPoolOptions, 'roles' | 'levelOf'> {
  if (roles === false) return {}
  if (roles !== undefined) return { roles }
  return access === undefined ? { roles: { tenant_admin: ['owner', 'admin'] } } : { levelOf: access.levelOf }
}
