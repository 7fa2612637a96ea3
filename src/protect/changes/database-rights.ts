import { PUBLIC_OID } from '../../catalog/model.ts'
import { quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Part } from '../change.ts'
import type { Planning } from '../input.ts'
import { doBlock } from '../sql-text.ts'

const TAKEN =
  '-- Takes away: CREATE TEMPORARY TABLE. On a pooled connection such a table stays for the next tenant, and PostgreSQL finds it before the real table.'

/** Revokes TEMPORARY: a temporary table with a tenant table's name, left on a pooled connection, would receive the next tenant's writes. */
export function temporaryRights(planning: Planning): Part {
  const { catalog, acting } = planning
  const { database } = catalog
  const holders = database.grants.filter(
    (grant) =>
      grant.privilege === 'TEMPORARY' &&
      grant.grantee !== database.owner &&
      (grant.grantee === PUBLIC_OID || acting.some((role) => role.oid === grant.grantee)),
  )
  if (holders.length === 0) return { changes: [], decisions: [] }
  const roles = holders.map((grant) =>
    grant.grantee === PUBLIC_OID ? 'PUBLIC' : quoteIdentifier(planning.roleName(grant.grantee)),
  )
  const list = roles.join(', ')
  const up = onThisDatabase('REVOKE TEMPORARY', `FROM ${list}`)
  const reader = [...catalog.roles.values()].find((role) => role.name === catalog.reader.name)
  if (!catalog.reader.superuser && reader?.oid !== database.owner)
    return {
      changes: [],
      decisions: [
        {
          object: 'database',
          reason: `temporary objects stay on a pooled connection for the next tenant; role ${catalog.reader.name} does not own the database, so its owner has to run:`,
          sql: up,
        },
      ],
    }
  return {
    changes: [
      {
        phase: 'protect',
        object: 'database',
        up: [`${TAKEN}\n${up}`],
        down: [onThisDatabase('GRANT TEMPORARY', `TO ${list}`)],
      },
    ],
    decisions: [],
  }
}

/** A GRANT or REVOKE on the connected database, without its name, because the migration also runs in databases of other names. */
function onThisDatabase(verb: string, rest: string): string {
  return doBlock(
    `  EXECUTE format(${quoteLiteral(`${verb} ON DATABASE %I ${rest.replaceAll('%', '%%')}`)}, current_database());`,
  )
}
