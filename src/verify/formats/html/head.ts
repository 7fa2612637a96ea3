import { VERBS } from '../../../catalog/verbs.ts'
import { countFindings } from '../by-severity.ts'
import type { ReportDocument } from '../document.ts'
import { documentDigest, reportId } from '../document-digest.ts'
import { code, facts, rich, text } from './markup.ts'

/** The verdict, and everything that identifies the run: an auditor must be able to say which database was judged, when and how. */
export function headOf(document: ReportDocument): string {
  const { summary } = document
  const leaks = leakSentence(document)
  const good = summary.exitCode === 0 && leaks === undefined
  return `<header><h1>Tenant isolation of ${text(document.target)}</h1>
<p class="verdict ${good ? 'good' : 'bad'}">${rich(summary.verdict)}${leaks === undefined ? '' : ` ${text(leaks)}`}${remaining(document)}</p>
<p>${text(examinedSentence(document))}${document.run.sealed ? ' Contexts are sealed: the result holds only where the application makes seals, and where nobody else has their secret.' : ''}</p>
${identityOf(document)}</header>`
}

/** `4 of 5 tables of tenants leak, in 7 of 20 cells (table and verb): …`. Undefined if no table leaks. */
function leakSentence({ tables, summary }: ReportDocument): string | undefined {
  const leaking = tables.flatMap(({ object, verbs }) => {
    const leaks = VERBS.filter((verb) => verbs[verb] === 'leaks')
    return leaks.length === 0 ? [] : [`${object} (${leaks.join(', ')})`]
  })
  if (leaking.length === 0) return undefined
  const cells = Object.values(summary.verdicts).reduce((sum, number) => sum + number, 0)
  const verb = `${tables.length === 1 ? 'table' : 'tables'} of tenants ${leaking.length === 1 ? 'leaks' : 'leak'}`
  return `${leaking.length} of ${tables.length} ${verb}, in ${summary.verdicts.leaks} of ${cells} cells (table and verb): ${leaking.join(', ')}.`
}

/** A green verdict must not hide the findings below its threshold. */
function remaining({ summary, findings, failOn }: ReportDocument): string {
  if (summary.exitCode !== 0 || findings.length === 0) return ''
  const total = Object.values(summary.findings).reduce((sum, number) => sum + number, 0)
  return ` Below ${failOn} there ${total === 1 ? 'is' : 'are'} ${text(countFindings(summary.findings))}.`
}

function examinedSentence({ origin }: ReportDocument): string {
  if (origin === 'files')
    return 'Examined: a database that was made for this run, filled from the SQL files below and with planted rows. No production database was examined.'
  if (origin === 'command')
    return 'Examined: a database that was made for this run, filled by the command below and with planted rows. No production database was examined.'
  return 'Examined: the database below, as it was at the time below. The report does not know whether it is a production database.'
}

function identityOf(document: ReportDocument): string {
  const { run, summary, target, failOn, origin, examined } = document
  const { server } = examined
  const version = `${Math.floor(run.serverVersion / 10_000)}.${run.serverVersion % 10_000}`
  const contexts = run.sealed ? 'sealed' : 'unsealed'
  const mode =
    run.mode === 'attack' ? `catalog, proof and attacks in ${contexts} contexts` : 'catalog and proof, without attacks'
  const assumed = run.notes.some((note) => note.includes(`${run.setting} is assumed`))
  const id = reportId(document)
  return facts([
    ...(id === undefined ? [] : [['report id', code(id)] as const]),
    ['digest of the report (SHA-256 of its JSON document)', code(documentDigest(document))],
    ...makingOf(document),
    ...toolOf(document),
    ['judged', text(target)],
    ['database', `${text(run.database)}, PostgreSQL ${version}`],
    ['verify connected as', `${code(server.reader.name)}, ${server.reader.superuser ? 'a superuser' : 'no superuser'}`],
    ...(origin === 'database'
      ? [
          [
            'server (system identifier of PostgreSQL)',
            server.identifier === undefined ? 'not readable for this role' : code(server.identifier),
          ] as const,
        ]
      : []),
    ['schema digest (SHA-256)', `<code>${text(run.schemaDigest)}</code>`],
    ...(run.schemaDigestWithoutPartywall === undefined
      ? []
      : [['schema digest without partywall’s schema and roles', code(run.schemaDigestWithoutPartywall)] as const]),
    ['application acts as', text(run.actingRoles.join(', '))],
    ['tenant in', `<code>${text(run.setting)}</code>${assumed ? ' (assumed: no policy reads a setting)' : ''}`],
    ['looked at', `${mode}: ${summary.rules} rules, ${summary.probes} probes`],
    ...rowsBeforeOf(document),
    ['findings', `${countFindings(summary.findings)}, ${summary.accepted} accepted`],
    ['findings that fail the run', `from ${failOn} up (default: medium)`],
    ['exit code', String(summary.exitCode)],
  ])
}

const ROWS_BEFORE = {
  none: 'No tenant table held rows when the run began.',
  some: 'At least one tenant table held rows when the run began.',
  unknown:
    'Whether tenant tables held rows when the run began is not known: policies or privileges hide them from the role that verify connected as, a look took too long, or another session was writing.',
}

/** Says whether tenant tables held rows before the run, a sign of whether the database is in use. */
function rowsBeforeOf({ run, examined }: ReportDocument): readonly (readonly [string, string])[] {
  const looked = ROWS_BEFORE[run.rowsBefore ?? 'unknown']
  const said = run.rowsBefore === undefined ? 'Nobody looked whether tenant tables held rows.' : looked
  const beyond = [
    ...(examined.relations.some(({ kind, bound }) => kind === 'foreign-table' && bound !== undefined)
      ? ['Foreign tables were not looked into.']
      : []),
    ...(examined.tenantSchemas > 0 ? ['Tables in schemas of one tenant each were not looked into.'] : []),
  ]
  return [['rows before the run', [said, ...(run.rowsBefore === undefined ? [] : beyond)].join(' ')]]
}

function makingOf({ made, toolVersion }: ReportDocument): readonly (readonly [string, string])[] {
  if (made === undefined) return []
  const git =
    made.git === undefined
      ? 'not known'
      : `<code>${text(made.git.commit)}</code>, ${made.git.clean ? 'clean' : 'with changes that are not committed'}`
  return [
    ['started', timeOf(made.at)],
    ['ended', made.finishedAt === undefined ? 'not recorded' : timeOf(made.finishedAt)],
    ['duration', `${made.seconds.toFixed(1)} seconds`],
    ['command', `<code>${text(made.command)}</code>`],
    [
      'tool',
      `partywall ${text(toolVersion)}, Node.js ${text(made.nodeVersion)}, ${text(made.platform ?? 'unknown platform')}`,
    ],
    ['CI job', made.job === undefined ? 'none that is known' : text(made.job)],
    ['who ran it', 'not recorded'],
    ['working directory', made.directory === undefined ? 'not recorded' : text(made.directory)],
    ['git commit of the working directory', git],
  ]
}

/** Identifies the partywall that ran: its files, and the packages that take part in the verdict. */
function toolOf({ tool }: ReportDocument): readonly (readonly [string, string])[] {
  if (tool === undefined) return []
  const form = tool.built ? '' : ', run from TypeScript sources'
  return [
    ['digest of the package (SHA-256)', `${code(tool.sha256)} over ${tool.files} files${form}`],
    ['with packages', text(tool.parts.join(', ') || 'not recorded')],
  ]
}

function timeOf(at: string): string {
  return `<time datetime="${text(at)}">${text(at.replace('T', ' ').replace(/\..*/, ' UTC'))}</time>`
}
