import type { ReportDocument } from '../document.ts'
import { code, listOf, table, text } from './markup.ts'

/** What the tried roles may do on each relation, also by PUBLIC, membership and ownership. */
export function privilegesOf({ examined }: ReportDocument): string {
  if (examined.grants.length === 0) return ''
  const rows = examined.grants.map(({ object, role, privileges }) => [
    code(object),
    text(role),
    text(privileges.join(', ')),
  ])
  return `<p>Privileges as PostgreSQL counts them: by grants to the role, to PUBLIC and to roles that it inherits, and by ownership. Columns are named where not all are granted. A relation and a role without a line: no privilege.</p>
${table(['relation', 'role', 'privileges'], rows)}`
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
