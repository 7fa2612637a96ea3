import type { ExaminedHeld, HeldStatement } from '../../report/examined.ts'
import type { ReportDocument } from '../document.ts'
import { controlSays } from './control-runs.ts'
import { code, sqlBlock, table, text } from './markup.ts'

/** Maximum number of characters of all printed statements, and separately of all printed planted rows. */
const MOST = 100_000

/** Statements of attacks that reached nothing, and what a reader needs to send them again. */
export function heldOf(document: ReportDocument): string {
  const { attacks, examined } = document
  if (attacks.length === 0) return ''
  const filled = examined.held.filter(({ statements }) => statements.length > 0)
  if (filled.length === 0)
    return '<p>No statement is printed. Statements are printed only if an attack on tables that several tenants share named a table, view or judged function and reached nothing. With --context-sql no statement is printed, because that SQL may hold a secret.</p>'
  const parts = filled.map((each, at) => partOf(each, filled.length === 1 ? '' : ` of part ${at + 1}`, document))
  return [unprintedOf(document), ...parts].join('\n')
}

/** Names the attacks that sent probes and reached nothing on some object, but of which no line is printed. */
function unprintedOf({ examined }: ReportDocument): string {
  const printed = new Set(examined.held.flatMap(({ statements }) => statements.map(({ attack }) => attack)))
  const names = examined.attacks.filter(({ name, probes }) => probes > 0 && !printed.has(name)).map(({ name }) => name)
  if (names.length === 0) return ''
  return `<p>No line is printed of these attacks, which sent probes: ${names.map(code).join(', ')}. Their statements name no table, view or judged function, or set role and context in a way that can’t be printed, or the attack succeeded on each object that they name.</p>`
}

function partOf({ rows, actors, statements }: ExaminedHeld, of: string, document: ReportDocument): string {
  const kept = fitting(statements, ({ sql, check = '' }) => sql.length + check.length)
  const planted = fitting(rows, ({ sql }) => sql.length)
  return `<p>Each line has the statements of one probe of an attack that reached nothing on an object, as they were sent. “Tries” counts all that the attack sent to the object, also as other roles, in other contexts and for other columns; one probe may contain many tries. Statements that repeat a successful attack are printed at its finding.</p>
<p>To repeat a line, run these in one session of psql, as a superuser, on a database with this schema and no rows: <code>BEGIN;</code>, the planted rows, the SQL of the actor, the statements of the line, <code>ROLLBACK;</code>. “Outcome” is the answer to the last statement in this run. After an error the transaction is aborted: the error is the whole answer, and there is no check. 42501 is the error of a policy that refuses a row, of a missing privilege, and of code that raises it; its message tells which it was. psql prints the code after <code>\\set VERBOSITY verbose</code>.</p>
<p>An UPDATE or DELETE without WHERE also counts rows of tenant A. Therefore a check, which is one query, looks for the effect on rows of tenant B. Run it as a superuser (<code>SET LOCAL SESSION AUTHORIZATION DEFAULT; SET LOCAL ROLE NONE;</code>) before and after the statements. An UPDATE must leave the answer as it was. After a DELETE it must be 1. After an INSERT it must be the number from before, or one less where the statements first remove a row of tenant B.</p>
<p>“Control” says whether tenant B could use the verb on its own row as this role (see <a href="#controls">Controls of the attacks</a>). If the control did not work, the line shows nothing: the statement may have failed for another reason than the tenant. Lines of attacks that try no verb of a table have no control. Where the control worked, the statement of read-across returns the row of tenant B when the actor is tenant B.</p>
${refusedByCode(statements)}<h3>Planted rows${of}</h3>
${cut(rows.length - planted.length, 'table', 'tables')}<details><summary>Rows of ${planted.length} ${planted.length === 1 ? 'table' : 'tables'}</summary>${sqlBlock(plantedSql(planted.map(({ sql }) => sql)))}</details>
<h3>Actors${of}</h3>
${actors.map(({ name, sql }) => `<p>${text(name)}</p>\n${sqlBlock(sql)}`).join('\n')}
<h3>Statements${of}</h3>
${cut(statements.length - kept.length, 'statement', 'statements')}${table(
  ['attack', 'object', 'statements', 'outcome', 'control', 'tries'],
  kept.map((each) => rowOf(each, document)),
  ['tries'],
)}`
}

/** Matches an error 42501 that the schema's own code raised. The messages of PostgreSQL itself begin with one of the listed texts. */
const BY_CODE =
  /^error 42501: (?!permission denied|must be (?:owner|member|superuser)|new row violates row-level security)/

/** A line that a trigger refused says nothing about the policies. */
function refusedByCode(statements: readonly HeldStatement[]): string {
  const refused = statements.filter(({ outcome }) => BY_CODE.test(outcome))
  if (refused.length === 0) return ''
  const cells = [...new Set(refused.map(({ object, verb = '' }) => `${verb} ${object}`.trim()))]
  return `<p>Code of the schema, such as a trigger, raised the error of these lines: ${cells.map(code).join(', ')}. It refused the row, whatever the policies say. The policies for these verbs were read; these lines are no attack on them.</p>\n`
}

function plantedSql(rows: readonly string[]): string {
  return [
    'SET LOCAL session_replication_role = replica;',
    ...rows,
    'SET LOCAL session_replication_role = origin;',
  ].join('\n')
}

function rowOf(held: HeldStatement, { examined }: ReportDocument): readonly string[] {
  const { attack, object, verb, by, role, sql, check, outcome, tries } = held
  const control = examined.controls.find((each) => each.object === object && each.verb === verb && each.role === role)
  const actor = by === undefined ? 'role and context as in the statements' : text(by)
  const checked = check === undefined ? '' : `<small>check: ${code(check)}</small>`
  return [
    code(attack),
    `${code(object)}${verb === undefined ? '' : `<small>${verb}</small>`}`,
    `<small>${actor}</small>${sqlBlock(sql)}${checked}`,
    text(outcome),
    control === undefined ? 'none' : controlSays(control.status),
    String(tries),
  ]
}

/** The first items, up to the limit. No item is cut in the middle. */
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
