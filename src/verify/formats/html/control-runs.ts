import { VERBS } from '../../../catalog/verbs.ts'
import type { ReportDocument } from '../document.ts'
import { code, table, text } from './markup.ts'

const SAYS = {
  worked: 'worked',
  dark: 'saw no row of its own',
  refused: 'was refused',
  'no-row': 'reached no row of its own',
  error: 'ended in an error',
  'not-run': 'did not run',
} as const

/** `saw no row of its own`: the end of a sentence about a control. */
export function controlSays(status: keyof typeof SAYS): string {
  return SAYS[status]
}

/** The controls: what tenant B could do with its own planted row, for each table, verb and role with the privilege. */
export function controlRunsOf({ examined }: ReportDocument): string {
  const objects = [...new Set(examined.controls.map(({ object }) => object))]
  if (objects.length === 0) return ''
  const worked = examined.controls.filter(({ status }) => status === 'worked').length
  const rows = objects.map((object) => [
    code(object),
    ...VERBS.map((verb) =>
      examined.controls
        .filter((each) => each.object === object && each.verb === verb)
        .map(({ role, status }) => `${text(role)} ${SAYS[status]}`)
        .join(', '),
    ),
  ])
  return `<p>Tenant B, in its own context, used each verb on its own planted row: ${worked} of ${examined.controls.length} controls worked. An empty cell means that no role in reach has the privilege. A control also counts as worked if it worked on another table with the same columns of the tenant, privileges and policies.</p>
${table(['table', ...VERBS], rows)}`
}
