import type { Queryable } from '../../catalog/model.ts'
import { ConfigurationError } from '../../errors.ts'

const OWN_ROLES = ['tenant_user', 'tenant_admin', 'partywall_cross', 'partywall_owner']

/**
 * Checks before anything else that the migration role may make logins and partywall's own objects.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with the statement that a superuser must run
 */
export async function requireRights(client: Queryable): Promise<void> {
  const { rows } = await client.query<{
    name: string
    super: boolean
    may: boolean
    database: string
    creates: boolean
    version: number
  }>(
    `select current_user as name, r.rolsuper as super, r.rolcreaterole as may, current_database() as database,
            has_database_privilege(current_database(), 'CREATE') as creates,
            current_setting('server_version_num')::int as version
       from pg_catalog.pg_roles r where r.rolname = current_user`,
  )
  const [role] = rows
  if (role === undefined || role.super) return
  const name = `"${role.name.replaceAll('"', '""')}"`
  const missing: string[] = []
  if (!role.may) missing.push(`ALTER ROLE ${name} CREATEROLE;`)
  if (!role.creates) missing.push(`GRANT CREATE ON DATABASE "${role.database.replaceAll('"', '""')}" TO ${name};`)
  // Before PostgreSQL 16, CREATEROLE grants every role that is no superuser.
  const grantsAll = role.version < 160_000
  const { rows: foreign } = await client.query<{ role: string }>(
    `select r.rolname as role from pg_catalog.pg_roles r where r.rolname = any($1)
        and not pg_has_role(current_user, r.oid, 'MEMBER WITH ADMIN OPTION') order by 1`,
    [grantsAll ? [] : OWN_ROLES],
  )
  // Another role has made these roles, for another database of the server.
  if (foreign.length > 0)
    // A role that inherits tenant_user is subject to the policies of tenant_user: the owner could not plant a tenant's rows in tests.
    missing.push(`GRANT ${foreign.map((each) => each.role).join(', ')} TO ${name} WITH ADMIN OPTION, INHERIT FALSE;`)
  if (missing.length === 0) return
  throw new ConfigurationError(
    `The role ${role.name} may not make logins and partywall's objects. Give the URL of a role that may, or have a superuser run:\n  ${missing.join('\n  ')}\nNothing was changed.`,
    { details: { missing } },
  )
}
