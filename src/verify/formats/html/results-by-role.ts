import { VERBS } from '../../../catalog/verbs.ts'
import type { ExaminedCell } from '../../report/examined.ts'
import type { ReportDocument } from '../document.ts'
import { controlSays } from './control-runs.ts'
import { code, table, text } from './markup.ts'

/** For each table and each role that was tried: what the proof, the control and the attacks say about each verb. */
export function resultsByRoleOf({ examined }: ReportDocument): string {
  if (examined.cells.length === 0) return ''
  const lines = new Map<string, ExaminedCell[]>()
  for (const cell of examined.cells) {
    const key = JSON.stringify([cell.object, cell.role])
    lines.set(key, [...(lines.get(key) ?? []), cell])
  }
  const rows = [...lines.values()].map((cells) => [
    code(cells[0]?.object ?? ''),
    text(cells[0]?.role ?? ''),
    ...VERBS.map((verb) => outcomeOf(cells.find((cell) => cell.verb === verb))),
  ])
  return `<p>The verdict of a cell in <a href="#tables">Tables</a> is the worst of its roles; a view or function that passes the policies makes the cell leak, whatever stands here. “Tried” counts the statements of the attacks read-across and write-across, as planted tenant A and without a tenant. Statements that the proof made needless were not sent. Further attacks are listed in <a href="#attacks">Attacks</a>.</p>
${table(['table', 'role', ...VERBS], rows)}`
}

const PROOFS = {
  none: '',
  dark: 'no policy lets it reach a row',
  proved: 'proved',
  open: 'policies let rows of others pass',
  unproved: 'not proved',
} as const

function outcomeOf(cell: ExaminedCell | undefined): string {
  if (cell === undefined) return '–'
  if (cell.proof === 'none') return 'no privilege'
  const { proof, control, tries, reached } = cell
  const parts = [
    PROOFS[proof],
    ...(control === undefined ? [] : [`control ${controlSays(control)}`]),
    reached > 0
      ? `<span class="bad">tried ${tries} times, reached rows ${reached} times</span>`
      : tries > 0
        ? `tried ${tries} times, reached none`
        : control === undefined
          ? 'not attacked'
          : 'not tried by these attacks',
  ]
  return parts.join('; ')
}
