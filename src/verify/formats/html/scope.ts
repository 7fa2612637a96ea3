import type { ObjectKind } from '../../report/examined.ts'
import type { InputFile } from '../../sources/prepared-source.ts'
import type { ReportDocument } from '../document.ts'
import { code, listOf, listOfHtml, table } from './markup.ts'

const SHOWN: readonly (readonly [ObjectKind, string])[] = [
  ['table', 'tables'],
  ['partitioned-table', 'partitioned tables'],
  ['view', 'views'],
  ['materialized-view', 'materialized views'],
  ['foreign-table', 'foreign tables'],
  ['sequence', 'sequences'],
  ['function', 'functions'],
  ['policy', 'policies'],
  ['trigger', 'triggers'],
  ['foreign-key', 'foreign keys'],
]

/** What was examined and what was not, near the top: no other sentence of the report claims more than this section. */
export function scopeOf(document: ReportDocument): string {
  const { examined, gaps, warnings, run } = document
  const counts = SHOWN.flatMap(([kind, name]) => {
    const number = examined.objects[kind]
    return number === 0 ? [] : [`${name}: ${number}`]
  })
  const without = examined.relations.filter(({ kind, bound }) => bound !== 'tenant' && /table$/.test(kind))
  const named = without.map(({ object, bound }) => `${code(object)}${ROLE_OF[bound ?? 'none'] ?? ''}`)
  const inside = [
    `Schemas: ${examined.schemas.map(code).join(', ') || 'none'}. ${countsSentence(document, counts)}`,
    ...(examined.tenantSchemas === 0
      ? []
      : [
          `Of these schemas, ${examined.tenantSchemas} hold one tenant each. Their objects are judged, and are not counted above. If tables are alike in many of these schemas, the attacks try one of the tables. They also try tables that rules report, up to a hundred.`,
        ]),
    `Tables without a tenant column: ${named.join(', ') || 'none'}.`,
    `Roles that were tried: ${run.actingRoles.map(code).join(', ')}. A cell (table and verb) is judged for all of them that have the privilege.`,
    untriedLogins(document),
    ...ownSchemaSentences(document),
  ]
  const skipped = [...gaps, ...warnings]
  const nothing =
    skipped.length === 0
      ? '<p>No object of the scanned schemas was skipped.</p>'
      : `<h3>Left out of this run</h3>\n${listOf(skipped)}`
  return `<h3>In scope</h3>
${listOfHtml(inside)}
${nothing}
<h3>Not in scope</h3>
${listOf(outsideOf(document))}`
}

/** Functions are read from all schemas, because policies may call them. */
function countsSentence({ examined }: ReportDocument, counts: readonly string[]): string {
  const functions = examined.objects.function
  const inThem = counts.filter((each) => !each.startsWith('functions: '))
  const outside = examined.ownSchema === undefined ? '' : ' but <code>partywall</code>'
  const code = functions === 0 ? '' : ` Functions of all schemas${outside}, without those of extensions: ${functions}.`
  return `Objects in them: ${inThem.join(', ') || 'none'}.${code}`
}

/** Login roles that no attack acted as. For a database, these include superusers and similar roles, whatever they may do here. */
function untriedLogins({ examined, run, origin }: ReportDocument): string {
  const logins = examined.roles
    .filter(({ login, name }) => login && !run.actingRoles.includes(name))
    .map(({ name, superuser, bypassRls }) => {
      const passes = superuser ? ' (superuser)' : bypassRls ? ' (BYPASSRLS)' : ''
      return `${code(name)}${passes}`
    })
  const listed =
    origin === 'database'
      ? 'The list has logins that have privileges here, or that are members of a role with privileges here. It also has superusers of the server, logins with BYPASSRLS or REPLICATION, and members of such roles or of PostgreSQL’s roles that read or write everything.'
      : 'The list has logins of the server of this run that have privileges here, or that are members of a role with privileges here. Logins of production that the source does not make are not known.'
  return `Logins that were not tried: ${logins.join(', ') || 'none'}. ${listed} No rule judges what they reach, unless a finding names them. See Roles and Privileges.`
}

function ownSchemaSentences({ examined: { ownSchema }, made }: ReportDocument): readonly string[] {
  if (ownSchema === undefined) return []
  const { functions, definers } = ownSchema
  const origin =
    (made?.ownInputs ?? []).length > 0
      ? 'This run made it from the migrations of the package, which the digest of the package covers.'
      : 'This run did not compare it with the migrations of the package. The schema digest covers it.'
  return [
    `The schema <code>partywall</code> is there, with ${functions} functions, ${definers} of them SECURITY DEFINER. Its objects are read for the judgment. They have no line in Tables and none in Functions and triggers as read. ${origin}`,
  ]
}

const ROLE_OF: Readonly<Record<string, string>> = {
  root: ' (its rows are the tenants)',
  child: ' (bound by a foreign key)',
  none: '',
}

/** What the schema digest does not cover. An unchanged digest is evidence only for what it covers. */
const DIGEST_LIMITS: readonly string[] = [
  'Of the database, the schema digest does not cover rows (also those of tables that policies look up), large objects, versions of extensions, options of user mappings, and values of stored settings whose names look like those of secrets.',
  'Of the server, the schema digest does not cover its version, programs and configuration (`postgresql.conf`, `pg_hba.conf`, `ALTER SYSTEM`), passwords, and roles that own nothing in the database, hold no privilege there by name and are no member of a role that does. A new superuser, or such a login with BYPASSRLS, leaves the digest as it is.',
]

function outsideOf({ origin, examined }: ReportDocument): readonly string[] {
  return [
    ...(examined.tenantSchemas === 0
      ? []
      : [
          'Constraints and triggers in schemas that hold one tenant each, as far as they depend on no other schema, and grants in these schemas to roles that were not tried. The schema digest does not cover them.',
        ]),
    origin === 'database'
      ? 'Other databases and servers, such as replicas. Later changes of this database: a further run with the same schema digest shows that nothing was changed that the digest covers (see Words).'
      : 'The production database: its roles, grants, settings, extensions and changes made by hand. If a run with --database-url on it prints the same schema digest, everything that the digest covers (see Words) is there as in this report.',
    ...DIGEST_LIMITS,
    'The application: how it finds the tenant of a request, which role it logs in as, and whether it sends the context with each statement.',
    'Caches, search indexes, files, queues, logs and backups.',
    'Administrators, and roles that the application can’t become.',
    'Load, denial of service by one tenant beyond what a rule names, and side channels by time.',
  ]
}

/** The files, with digests that `sha256sum` computes too, and the options in force. */
export function inputsOf({ made }: ReportDocument): string {
  if (made?.inputs === undefined && made?.options === undefined) return ''
  const { inputs = [], ownInputs = [], options = [] } = made
  const files = inputs.length === 0 ? '<p>No file was read.</p>' : fileTable(inputs)
  const own =
    ownInputs.length === 0
      ? ''
      : `<h3>partywall’s own migrations</h3>
<p>The source uses objects of partywall and does not create them. verify therefore ran these files of its own package first; they made the schema <code>partywall</code>. The digest of the package covers them.</p>
${fileTable(ownInputs)}
`
  return `<p>Digests of whole files, as <code>sha256sum</code> prints them. A copy of one of partywall’s own migrations is marked. Line numbers in this report are lines of these files.</p>
${files}
${own}<h3>Options in force</h3>
${listOf(options.map((option) => `\`${option.replaceAll('`', "'")}\``))}
<p>Options that are not listed have no value.</p>`
}

function fileTable(files: readonly InputFile[]): string {
  return table(
    ['file', 'bytes', 'SHA-256'],
    files.map(({ name, bytes, sha256, ofPartywall }) => {
      const same =
        ofPartywall === undefined
          ? ''
          : `<small>the same bytes as ${code(ofPartywall)} of partywall’s migrations</small>`
      return [`${code(name)}${same}`, String(bytes), code(sha256)]
    }),
    ['bytes'],
  )
}
