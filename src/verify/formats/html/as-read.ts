import type { ExaminedPolicy } from '../../report/examined.ts'
import type { ReportDocument } from '../document.ts'
import { code, table, text } from './markup.ts'

const YES: Readonly<Record<string, string>> = { true: 'yes', false: 'no' }

/** Roles of the application, and other roles that the report names, with their attributes in the catalog. */
export function rolesOf({ examined, run, origin }: ReportDocument): string {
  if (examined.roles.length === 0) return ''
  const rows = examined.roles.map(({ name, login, superuser, bypassRls, replication, memberOf, path, owns }) => [
    `${code(name)}${replication ? '<small>REPLICATION</small>' : ''}`,
    YES[String(login)] ?? '',
    YES[String(superuser)] ?? '',
    YES[String(bypassRls)] ?? '',
    text(memberOf.join(', ') || 'none'),
    path === undefined ? 'no' : text(path.join(' → ')),
    run.actingRoles.includes(name) ? 'yes' : 'no',
    text(owns.join(', ') || 'none'),
  ])
  return `<p>The application’s role is <code>${text(run.appRole)}</code>. If no option named it, it was found by its grants: confirm that the application logs in as this role.</p>
<p>The list has the roles that the application can become. It also has owners, grantees and roles of policies of the judged relations, the schemas, the functions and the database, with the members of all these. ${
    origin === 'database'
      ? 'It also has all superusers of the server, roles with BYPASSRLS or REPLICATION, and members of these or of <code>pg_read_all_data</code>, <code>pg_write_all_data</code>, <code>pg_read_server_files</code>, <code>pg_write_server_files</code> and <code>pg_execute_server_program</code>. No policy applies to some of these roles, and others reach data past the policies. Other roles of the server are not listed.'
      : 'Other roles of the server are not listed, and roles of production that the source does not make are not known.'
  }</p>
${table(['role', 'login', 'superuser', 'bypassrls', 'member of', 'in reach by', 'tried', 'owns'], rows, ['login', 'superuser', 'bypassrls', 'tried'])}`
}

/** Row-level security and policies of each table, as the server printed them. */
export function policiesOf(document: ReportDocument): string {
  return [sharedPolicies(document), fleetPolicies(document)].filter((part) => part !== '').join('\n')
}

/** How many names of schemas are written out. */
const NAMED = 20

/** Tables in schemas that hold one tenant each. Tables that are alike are shown once. */
function fleetPolicies({ examined }: ReportDocument): string {
  if (examined.tenantRelations.length === 0) return ''
  const tables = examined.tenantRelations.map(
    ({ name, owner, rowSecurity, forced, schemas, kind, reach, policies }) => {
      const more = schemas.length > NAMED ? ` and ${schemas.length - NAMED} more` : ''
      const state = `${text(kind)} in ${schemas.length} ${schemas.length === 1 ? 'schema' : 'schemas'}: ${schemas.slice(0, NAMED).map(code).join(', ')}${more}. Row-level security ${rowSecurity ? 'on' : 'off'}, ${forced ? 'forced' : 'not forced'}; owner ${code(owner)}; used by ${reach.map(code).join(', ') || 'no role in reach'}`
      return `<article><h4>${code(name)}</h4>\n<p>${state}.</p>\n${policyTable(policies)}</article>`
    },
  )
  return `<h3>In schemas of one tenant each</h3>
<p>Relations that differ only in the schema and the tenant’s id are printed once: <code>&lt;schema&gt;</code> and <code>&lt;tenant&gt;</code> stand for the two.</p>
${tables.join('\n')}`
}

function policyTable(policies: readonly ExaminedPolicy[]): string {
  return policies.length === 0
    ? '<p>No policy.</p>'
    : table(['policy', 'command', 'roles', 'USING', 'WITH CHECK'], policies.map(rowOf))
}

function sharedPolicies({ examined }: ReportDocument): string {
  const relations = examined.relations.filter(({ kind, policies }) => /table$/.test(kind) || policies.length > 0)
  return relations
    .map(({ object, owner, rowSecurity, forced, column, policies }) => {
      const state = `row-level security ${rowSecurity ? 'on' : 'off'}, ${forced ? 'forced' : 'not forced'}; owner ${code(owner)}; tenant column ${column === undefined ? 'none' : code(column)}`
      return `<article><h3>${code(object)}</h3>\n<p>${state}.</p>\n${policyTable(policies)}</article>`
    })
    .join('\n')
}

function rowOf({ name, permissive, command, roles, using, check }: ExaminedPolicy): readonly string[] {
  const expression = (sql: string | undefined) => (sql === undefined ? '–' : code(sql))
  return [
    code(name),
    `${text(command)}${permissive ? '' : ', restrictive'}`,
    text(roles.join(', ')),
    expression(using),
    expression(check),
  ]
}
