import { VERDICT_NAMES, VERDICTS, type Verdict } from '../../finding/verdict.ts'
import { countFindings } from '../by-severity.ts'
import type { ReportDocument } from '../document.ts'
import { facts, text } from './markup.ts'

/** The verdict, and everything that identifies the run: an auditor must be able to say which database was judged, when and how. */
export function headOf(document: ReportDocument): string {
  const { summary } = document
  return `<header><h1>Tenant isolation of ${text(document.target)}</h1>
<p class="verdict ${summary.exitCode === 0 ? 'good' : 'bad'}">${text(summary.verdict)}</p>
${identityOf(document)}</header>`
}

function identityOf({ made, run, summary, target, toolVersion, failOn }: ReportDocument): string {
  const version = `${Math.floor(run.serverVersion / 10_000)}.${run.serverVersion % 10_000}`
  const contexts = run.sealed ? 'sealed' : 'unsealed'
  const mode =
    run.mode === 'attack' ? `catalog, proof and attacks in ${contexts} contexts` : 'catalog and proof, without attacks'
  return facts([
    ...(made === undefined
      ? []
      : ([
          [
            'date',
            `<time datetime="${text(made.at)}">${text(made.at.replace('T', ' ').replace(/\..*/, ' UTC'))}</time>`,
          ],
          ['duration', `${made.seconds.toFixed(1)} seconds`],
          ['command', `<code>${text(made.command)}</code>`],
          ['run by', `partywall ${text(toolVersion)}, Node.js ${text(made.nodeVersion)}`],
        ] as const)),
    ['judged', text(target)],
    ['database', `${text(run.database)}, PostgreSQL ${version}`],
    ['schema digest (SHA-256)', `<code>${text(run.schemaDigest)}</code>`],
    ['application acts as', text(run.actingRoles.join(', '))],
    ['tenant in', `<code>${text(run.setting)}</code>`],
    ['looked at', `${mode}: ${summary.rules} rules, ${summary.probes} probes`],
    ['findings that fail the run', `from ${failOn} up`],
    ['exit code', String(summary.exitCode)],
  ])
}

/** The counts, and what each verdict means. */
export function resultOf({ summary }: ReportDocument): string {
  const verdicts = Object.entries(summary.verdicts)
    .filter(([, number]) => number > 0)
    .map(([verdict, number]) => `${number} ${verdict}`)
  return `<p>${text(countFindings(summary.findings))}, ${summary.accepted} accepted. ${summary.tables} tables, by table and verb: ${verdicts.join(', ') || 'none'}.</p>
<dl>${VERDICT_NAMES.map((name) => `<dt class="${name}">${name}</dt><dd>${meaningOf(name)}</dd>`).join('\n')}</dl>`
}

/** The sentences are shared with the manual, which marks code by backticks and explains controls further down. */
function meaningOf(name: Verdict): string {
  const sentence = text(VERDICTS[name].meaning.replace(' (see below)', ''))
  return sentence.replace(/`([^`]+)`/g, '<code>$1</code>')
}
