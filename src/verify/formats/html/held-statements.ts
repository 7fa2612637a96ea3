import type { ExaminedHeld, HeldStatement } from '../../report/examined.ts'
import type { ReportDocument } from '../document.ts'
import { code, sqlBlock, table, text } from './markup.ts'

/** Most characters of statements, and most characters of planted rows. */
const MOST = 100_000

/** One statement for each attack and object on which it reached nothing, and what a reader needs to send it again. */
export function heldOf({ attacks, examined }: ReportDocument): string {
  if (attacks.length === 0) return ''
  const filled = examined.held.filter(({ statements }) => statements.length > 0)
  if (filled.length === 0)
    return '<p>None is printed. One is printed only where an attack on tables that several tenants share named a judged table, view or function and reached nothing. With --context-sql none is, because that SQL may hold a secret.</p>'
  return filled.map((each, at) => partOf(each, filled.length === 1 ? '' : ` of part ${at + 1}`)).join('\n')
}

function partOf({ rows, actors, statements }: ExaminedHeld, of: string): string {
  const kept = fitting(statements, ({ sql, check = '' }) => sql.length + check.length)
  const planted = fitting(rows, ({ sql }) => sql.length)
  return `<p>For each attack and each object on which it reached nothing: the statements of one probe, as they were sent. “Tries” counts all that the attack sent to the object, also as other roles, in other contexts and for other columns; one probe may hold many. Statements that repeat an attack which succeeded stand at its finding.</p>
<p>To repeat a line, run these in one session of psql, as a superuser, on a database with this schema and no rows: <code>BEGIN;</code>, the planted rows, the SQL of the actor, the statements of the line, <code>ROLLBACK;</code>. “Outcome” is the answer to the last statement in this run. 42501 is PostgreSQL’s error for a row that a policy refuses, and for a privilege that is missing. An UPDATE or DELETE without WHERE also counts rows of tenant A. Therefore a check, which is one query, looks for the effect on rows of tenant B. Run it as a superuser, before and after the statements: after an UPDATE the answer must be the same; after a DELETE it must be 1; after an INSERT it is the number of rows of tenant B.</p>
<p>Where the <a href="#controls">control</a> worked, the statement of read-across returns the row of tenant B when the actor is tenant B. Without that, “no row” would show nothing.</p>
<h3>Planted rows${of}</h3>
${cut(rows.length - planted.length, 'table', 'tables')}<details><summary>Rows of ${planted.length} ${planted.length === 1 ? 'table' : 'tables'}</summary>${sqlBlock(plantedSql(planted.map(({ sql }) => sql)))}</details>
<h3>Actors${of}</h3>
${actors.map(({ name, sql }) => `<p>${text(name)}</p>\n${sqlBlock(sql)}`).join('\n')}
<h3>Statements${of}</h3>
${cut(statements.length - kept.length, 'statement', 'statements')}${table(['attack', 'object', 'statements', 'outcome', 'tries'], kept.map(rowOf), ['tries'])}`
}

function plantedSql(rows: readonly string[]): string {
  return [
    'SET LOCAL session_replication_role = replica;',
    ...rows,
    'SET LOCAL session_replication_role = origin;',
  ].join('\n')
}

function rowOf({ attack, object, verb, by, sql, check, outcome, tries }: HeldStatement): readonly string[] {
  const actor = by === undefined ? 'role and context as in the statements' : text(by)
  const checked = check === undefined ? '' : `<small>check: ${code(check)}</small>`
  return [
    code(attack),
    `${code(object)}${verb === undefined ? '' : `<small>${verb}</small>`}`,
    `<small>${actor}</small>${sqlBlock(sql)}${checked}`,
    text(outcome),
    String(tries),
  ]
}

/** The first ones, up to the limit. None is cut in the middle. */
function fitting<T>(items: readonly T[], size: (item: T) => number): readonly T[] {
  let left = MOST
  return items.filter((item) => {
    left -= size(item)
    return left >= 0
  })
}

function cut(count: number, one: string, many: string): string {
  if (count <= 0) return ''
  return `<p>${count} ${count === 1 ? `${one} is` : `${many} are`} not printed, because this part of the report ends at ${MOST / 1000} kB.</p>\n`
}
