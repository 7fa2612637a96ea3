import { quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Change } from '../../protect/change.ts'
import type { LoginNames } from './login-names.ts'

/**
 * Creates each login role that the server does not have yet: the migration also runs where `partywall init` never ran, such as in CI. A
 * role gets no password there, so nobody can log in as this role until you set one.
 */
export function loginChange({ app, entry }: LoginNames): Change {
  const create = (name: string, options: string) =>
    `  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${quoteLiteral(name)}) THEN\n    CREATE ROLE ${quoteIdentifier(name)} ${options};\n  END IF;`
  return {
    phase: 'columns',
    object: 'login roles',
    up: [
      [
        'DO $partywall$',
        'BEGIN',
        // NOINHERIT: the login has the rights of tenant_user only inside a tenant's context.
        create(app, 'LOGIN NOINHERIT'),
        create(entry, 'LOGIN'),
        'END',
        '$partywall$;',
      ].join('\n'),
    ],
    // Roles belong to the whole server. Another database may use them, so the down migration leaves them.
    down: [],
  }
}
