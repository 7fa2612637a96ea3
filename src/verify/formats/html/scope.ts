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

/** What was examined and what was not, near the top: no sentence of the report says more than this section. */
export function scopeOf(document: ReportDocument): string {
  const { examined, gaps, warnings, run } = document
  const counts = SHOWN.flatMap(([kind, name]) => {
    const number = examined.objects[kind]
    return number === 0 ? [] : [`${name}: ${number}`]
  })
  const without = examined.relations.filter(({ kind, bound }) => bound !== 'tenant' && /table$/.test(kind))
  const named = without.map(({ object, bound }) => `${code(object)}${ROLE_OF[bound ?? 'none'] ?? ''}`)
  const untried = examined.roles
    .filter(({ login, name }) => login && !run.actingRoles.includes(name))
    .map(({ name }) => name)
  const inside = [
    `Schemas: ${examined.schemas.map(code).join(', ') || 'none'}. ${countsSentence(document, counts)}`,
    ...(examined.tenantSchemas === 0
      ? []
      : [
          `Of these schemas, ${examined.tenantSchemas} hold one tenant each. Their objects are judged, and are not counted above. Of tables that are alike in many of them, the attacks try one; tables that rules report are tried too, up to a hundred.`,
        ]),
    `Tables without a tenant column: ${named.join(', ') || 'none'}.`,
    `Roles that were tried: ${run.actingRoles.map(code).join(', ')}. A cell (table and verb) is judged for all of them that have the privilege.`,
    `Logins that were not tried, and that have privileges here or are a member of a role that has: ${untried.map(code).join(', ') || 'none'}. See Privileges.`,
    ...(examined.schemas.includes('partywall')
      ? []
      : [
          'Objects of the schema <code>partywall</code>, if there is one, are read for the judgment and have no line in Tables. Where verify made them, they are those of the package, and the digest of the package covers them.',
        ]),
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
  const code = functions === 0 ? '' : ` Functions of all schemas: ${functions}.`
  return `Objects in them: ${inThem.join(', ') || 'none'}.${code}`
}

const ROLE_OF: Readonly<Record<string, string>> = {
  root: ' (its rows are the tenants)',
  child: ' (bound by a foreign key)',
  none: '',
}

function outsideOf({ origin, examined }: ReportDocument): readonly string[] {
  return [
    ...(examined.tenantSchemas === 0
      ? []
      : [
          'Constraints and triggers in schemas that hold one tenant each, as far as they depend on no other schema. The schema digest does not cover them.',
        ]),
    origin === 'database'
      ? 'Other databases and servers, such as replicas. A later change of this database: a further run with the same schema digest shows that nothing that decides about isolation was changed.'
      : 'The production database: its roles, grants, settings, extensions and changes made by hand. A run with --database-url on it that prints the same schema digest shows that it has the schema of this report.',
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
