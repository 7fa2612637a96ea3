import type { Examined, ExaminedGrant } from '../../report/examined.ts'
import type { ReportDocument } from '../document.ts'
import { code, listOf, table, text } from './markup.ts'

/**
 * What roles may do on each relation. For roles that were tried, this includes rights by PUBLIC, membership and ownership; for other roles,
 * only their own grants.
 */
export function privilegesOf({ examined }: ReportDocument): string {
  const fleet =
    examined.tenantSchemas === 0
      ? ''
      : ' Schemas that hold one tenant each are not listed; rules report privileges on them that are too wide.'
  return `${relationPrivileges(examined)}
<h3>Database and schemas</h3>
<p>The same for the database and for its schemas: by grants to the role, to PUBLIC and to roles that it inherits, and by ownership. Without USAGE on a schema, a role reaches no object in it. Privileges on functions stand in <a href="#code">Functions and triggers as read</a>.${fleet}</p>
${grantTable(examined.wideGrants, 'object')}
<h3>Database and schemas: PUBLIC, and roles that were not tried</h3>
<p>What was granted to PUBLIC, which is every role, and to other roles themselves.</p>
${grantTable(examined.untriedWideGrants, 'object')}`
}

function relationPrivileges(examined: Examined): string {
  if (examined.grants.length + examined.untriedGrants.length === 0)
    return '<p>No role was granted a privilege on a judged relation.</p>'
  return `<p>Privileges as PostgreSQL counts them: by grants to the role, to PUBLIC and to roles that it inherits, and by ownership. If a privilege is granted on some columns only, the columns are named. This table has the roles that were tried. If such a role has no line for a relation, it has no privilege on the relation.</p>
${grantTable(examined.grants)}
<h3>Roles that were not tried</h3>
<p>No attack acted as these roles, and no cell of Tables speaks of them. Roles shows whether the application’s role can become one of them. They reach the rows that the policies for them allow: see Policies as read. A superuser, a role with BYPASSRLS, and the owner of a table without FORCE reach all rows.</p>
${grantTable(examined.untriedGrants)}`
}

function grantTable(grants: readonly ExaminedGrant[], about = 'relation'): string {
  const rows = grants.map(({ object, role, privileges }) => [code(object), text(role), text(privileges.join(', '))])
  return rows.length === 0 ? '<p>None.</p>' : table([about, 'role', 'privileges'], rows)
}

/** The settings of the server that take part in the result. */
export function serverOf({ examined: { server } }: ReportDocument): string {
  const settings = server.settings.map(({ name, value }) => [code(name), value === '' ? 'empty' : code(value)])
  return `<p>${text(server.version)}</p>
<p>Settings as a new session has them. The attacks set timeouts of their own for their transaction.</p>
${table(['setting', 'value'], settings)}
<h3>Settings of roles and databases</h3>
${listOf(server.stored.map(plain), 'None.')}
<h3>Extensions</h3>
${listOf(server.extensions.map(plain), 'None.')}`
}

/** Names may contain backticks, which must not become markup. */
function plain(sentence: string): string {
  return sentence.replaceAll('`', "'")
}
