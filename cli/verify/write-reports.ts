import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { ConfigurationError } from '../../src/errors.ts'
import type { ReportDocument } from '../../src/verify/formats/document.ts'
import { documentDigest, reportId } from '../../src/verify/formats/document-digest.ts'
import { renderReport } from '../../src/verify/formats/formats.ts'
import type { Painter } from '../../src/verify/formats/pretty.ts'
import { renderFixFile } from '../../src/verify/report/fix-file.ts'
import { rules } from '../../src/verify/rules/list.ts'
import { paint } from '../shared/terminal.ts'
import type { VerifySettings } from './verify-settings.ts'

/**
 * Writes the report of `partywall verify` in each form that was asked for, and the file of fixes.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with the flag whose file can't be written
 */
export async function writeReports(settings: VerifySettings, document: ReportDocument): Promise<void> {
  if (settings.fix !== undefined) await save('--fix', settings.fix, fixFile(document))
  const reports: string[] = []
  for (const { format, file } of settings.report ?? [])
    reports.push(await save('--report', file, renderReport(format, document)))
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K')
  const painter: Painter | undefined = settings.output === undefined ? (style, text) => paint(style, text) : undefined
  const text = renderReport(settings.format, document, painter)
  if (settings.output === undefined) process.stdout.write(text)
  else {
    reports.push(await save('--output', settings.output, text))
    console.error(`${document.summary.verdict} The report is in ${settings.output}.`)
  }
  if (reports.length > 0) console.error([identityLine(document), ...reports].join('\n'))
}

/** Names the report in a log, so that the log proves which report it was. */
function identityLine(document: ReportDocument): string {
  const id = reportId(document)
  return `report${id === undefined ? '' : ` ${id}`}: SHA-256 of the JSON document ${documentDigest(document)}; SHA-256 of each file:`
}

function fixFile(document: ReportDocument): string {
  const groups = new Map<string, string>(rules.map((rule) => [rule.id, rule.group]))
  const mended = document.findings.filter((finding) => finding.severity !== 'info')
  return renderFixFile(mended, (rule) => groups.get(rule), document.target)
}

/** Writes a file, and returns the line that `sha256sum` prints for it. */
async function save(flag: string, path: string, text: string): Promise<string> {
  try {
    await writeFile(path, text)
    return `${createHash('sha256').update(text, 'utf8').digest('hex')}  ${path}`
  } catch (cause) {
    throw new ConfigurationError(`${flag} ${path} can't be written.`, { cause })
  }
}
