import type pg from 'pg'
import { quoteIdentifier } from '../catalog/names.ts'
import { ConfigurationError } from '../errors.ts'
import type { Facts } from './facts.ts'

/**
 * An attack acts as the app's roles by SET ROLE: whoever connects must be allowed to.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with the GRANT that is missing
 */
export async function checkMembership(client: pg.Client, facts: Facts): Promise<void> {
  const names = facts.acting.map(({ role }) => role.name)
  // Before PostgreSQL 16 each member may SET ROLE.
  const right = facts.catalog.serverVersion >= 160_000 ? 'SET' : 'MEMBER'
  const { rows } = await client.query<{ name: string }>(
    `select name from unnest($1::text[]) with ordinality as wanted (name, place)
     where not pg_catalog.pg_has_role(current_user, name::name, '${right}') order by place`,
    [names],
  )
  if (rows.length === 0) return
  const missing = rows.map((row) => quoteIdentifier(row.name)).join(', ')
  const reader = quoteIdentifier(facts.catalog.reader.name)
  throw new ConfigurationError(
    `The role ${facts.catalog.reader.name} may not act as ${missing}, so nothing can be attacked. As a superuser: ` +
      `GRANT ${missing} TO ${reader}; or use --static, or the URL of a superuser.`,
    { details: { missing: rows.map((row) => row.name) } },
  )
}
