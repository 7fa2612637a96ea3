import type { Finding, Severity } from '../finding/finding.ts'
import type { ReportDocument } from './document.ts'
import { oneLine } from './escape-text.ts'

const LEVELS: Readonly<Record<Severity, string>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'notice',
  info: 'notice',
}

/**
 * One annotation for each finding. GitHub Actions shows them in the pull request, beside the line that makes the object.
 *
 * @see GitHub "Workflow commands": `::error file={name},line={line},title={title}::{message}`
 */
export function renderGithub(document: ReportDocument): string {
  const lines = document.findings.map((finding) => annotationOf(finding, document))
  const level = document.summary.exitCode === 0 ? 'notice' : 'error'
  return `${[...lines, `::${level} title=partywall verify::${messageOf(document.summary.verdict)} (${messageOf(document.target)})`].join('\n')}\n`
}

function annotationOf(finding: Finding, document: ReportDocument): string {
  const made = document.locate(finding.object)
  const place = made === undefined ? '' : `file=${propertyOf(made.file)},line=${made.line},`
  const title = propertyOf(`${finding.severity}: ${finding.rule}`)
  const message = messageOf(`${finding.object}: ${finding.message}`)
  return `::${LEVELS[finding.severity]} ${place}title=${title}::${message}%0AFix:%0A${messageOf(finding.fix)}`
}

/** Escapes a message, so that a line in it that begins with `::` does not become a command. */
function messageOf(text: string): string {
  return text.split(/\r?\n/).map(oneLine).join('\n').replaceAll('%', '%25').replaceAll('\n', '%0A')
}

function propertyOf(text: string): string {
  return messageOf(oneLine(text)).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
