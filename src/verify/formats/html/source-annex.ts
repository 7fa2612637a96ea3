import type { InputFile, SourceStatement } from '../../sources/prepared-source.ts'
import type { ReportDocument } from '../document.ts'
import { text } from './markup.ts'

/** Maximum number of characters of statements in a report. */
const MOST = 200_000

/** `S2-14`: the anchor of the statement that begins on a line of a file. Undefined if the report does not show the statement. */
export function sourceAnchor(document: ReportDocument, file: string, line: number): string | undefined {
  const at = document.made?.inputs?.findIndex(({ name }) => name === file) ?? -1
  const shows = document.made?.inputs?.[at]?.statements?.some((statement) => statement.line === line) === true
  return shows ? `S${at + 1}-${line}` : undefined
}

/** The statements of the input files with their lines, so that `file:line` can be read when the files are gone. */
export function sourceAnnexOf(document: ReportDocument): string {
  const files = document.made?.inputs ?? []
  if (!files.some(({ statements = [] }) => statements.length > 0)) return ''
  const kept = chosen(document, files)
  const cut = files.reduce((sum, { statements = [] }) => sum + statements.length, 0) - kept.size
  const shown = files.map((file, at) => fileOf(file, at, kept)).filter((part) => part !== '')
  const said =
    cut === 0
      ? ''
      : ` ${cut} ${cut === 1 ? 'statement is' : 'statements are'} not printed, because the annex ends at ${MOST / 1000} kB; those that create an object of a finding come first.`
  return `<p>Each statement stands beside the line of the file on which it begins. Comments between statements, rows, passwords and values of settings are left out, so the text here has another digest than the file.${said}</p>
${shown.join('\n')}`
}

/** Statements up to the limit. Statements that create the object of a finding come first. */
function chosen(document: ReportDocument, files: readonly InputFile[]): ReadonlySet<SourceStatement> {
  const named = new Set(
    document.singly.flatMap(({ object }) => {
      const place = document.locate(object)
      return place === undefined ? [] : [`${place.file}:${place.line}`]
    }),
  )
  const all = files.flatMap(({ name, statements = [] }) =>
    statements.map((statement) => ({ statement, first: named.has(`${name}:${statement.line}`) })),
  )
  const kept = new Set<SourceStatement>()
  let left = MOST
  for (const { statement } of all.toSorted((a, b) => Number(b.first) - Number(a.first))) {
    left -= statement.text.length
    if (left >= 0) kept.add(statement)
  }
  return kept
}

function fileOf({ name, statements = [] }: InputFile, at: number, kept: ReadonlySet<SourceStatement>): string {
  const lines = statements
    .filter((statement) => kept.has(statement))
    .map(
      (statement) => `<span id="S${at + 1}-${statement.line}"><b>${statement.line}</b>${text(statement.text)}\n</span>`,
    )
  if (lines.length === 0) return ''
  return `<details><summary>${text(name)}: ${lines.length} of ${statements.length} statements</summary><pre class="source">${lines.join('')}</pre></details>`
}
