import { writeFile } from 'node:fs/promises'
import { ConfigurationError } from '../src/errors.ts'
import type { ReportDocument } from '../src/verify/formats/document.ts'
import { renderReport } from '../src/verify/formats/formats.ts'
import type { Painter } from '../src/verify/formats/pretty.ts'
import { renderFixFile } from '../src/verify/report/fix-file.ts'
import { rules } from '../src/verify/rules/list.ts'
import { paint } from './terminal.ts'
import type { VerifySettings } from './verify-settings.ts'

/**
 * Writes the report of `partywall verify` in each form that was asked for, and the file of fixes.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with the flag whose file can't be written
 */
export async function writeReports(settings: VerifySettings, document: ReportDocument): Promise<void> {
  if (settings.fix !== undefined) await save('--fix', settings.fix, fixFile(document))
  for (const { format, file } of settings.report ?? []) await save('--report', file, renderReport(format, document))
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K')
  const painter: Painter | undefined = settings.output === undefined ? (style, text) => paint(style, text) : undefined
  const text = renderReport(settings.format, document, painter)
  if (settings.output === undefined) process.stdout.write(text)
  else {
    await save('--output', settings.output, text)
    console.error(`${document.summary.verdict} The report is in ${settings.output}.`)
  }
}

function fixFile(document: ReportDocument): string {
  const groups = new Map<string, string>(rules.map((rule) => [rule.id, rule.group]))
  const mended = document.findings.filter((finding) => finding.severity !== 'info')
  return renderFixFile(mended, (rule) => groups.get(rule), document.target)
}

async function save(flag: string, path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text)
  } catch (cause) {
    throw new ConfigurationError(`${flag} ${path} can't be written.`, { cause })
  }
}
