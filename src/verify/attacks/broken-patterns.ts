import type { DatabaseFunction, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { filler } from '../attack/call-arguments.ts'
import { crosses } from '../attack/crosses.ts'
import { isHarmless } from '../attack/harmless.ts'
import { AS_PLANTER, becomeSql } from '../attack/identity.ts'
import { draftsOf } from '../finding/drafts.ts'
import { callerPatterns, inputsOf } from '../readings/caller-patterns.ts'
import { secdefCallerPattern } from '../rules/secdef-caller-pattern.ts'
import { viewFilterNoBarrier } from '../rules/view-filter-no-barrier.ts'

/** "LIKE pattern must not end with escape character" */
const INVALID_ESCAPE = '22025'
/**
 * Planner settings that any role may change. The second set prefers a full scan. The third set prefers an index on the text to an index on
 * the tenant.
 */
const PLANS = [
  [],
  ['enable_indexscan = off', 'enable_bitmapscan = off', 'enable_indexonlyscan = off'],
  [
    ...['enable_seqscan = off', 'enable_indexscan = off', 'enable_indexonlyscan = off'],
    // With these settings, the cost of an index depends only on the number of entries that the planner expects it to return.
    ...['random_page_cost = 0', 'seq_page_cost = 0', 'cpu_operator_cost = 0', 'cpu_index_tuple_cost = 10000'],
  ],
]
const OPERATORS: Readonly<Record<string, string>> = {
  textlike: '~~',
  textnlike: '!~~',
  texticlike: '~~*',
  texticnlike: '!~~*',
}
/** Maximum number of tables on which one function that is marked LEAKPROOF is tried. */
const MOST_TABLES = 12

/**
 * Tests whether errors tell what tenant B's row contains. The patterns end with a backslash, so PostgreSQL raises an error only for a row
 * that matches the text before the backslash. The control uses a text that no row has.
 */
export const brokenPatterns: Attack = {
  name: 'broken-patterns',
  title: 'asks with broken LIKE patterns whether a row of another tenant matches',
  needs:
    'a function or operator that compares rows of all tenants with a pattern of the caller, or a view whose filter can run after a condition of the caller',
  rules: ['secdef-caller-pattern', 'view-filter-no-barrier'],
  async run(arena) {
    const { facts } = arena
    for (const draft of draftsOf(secdefCallerPattern, facts)) {
      const fn = facts.functions.find(({ label }) => label === draft.object)
      const marked = facts.catalog.markedBuiltins.find(({ label }) => label === draft.object)
      const seen =
        fn !== undefined
          ? await askFunction(arena, fn)
          : marked !== undefined
            ? await askTables(arena, OPERATORS[marked.name])
            : undefined
      // Do not record the finding as `tried`: the tables are almost empty, so this plan says nothing about the plans of larger tables.
      if (seen !== undefined)
        arena.report({ ...draft, rule: 'secdef-caller-pattern', tables: [seen.table], evidence: [seen.how] })
    }
    for (const draft of draftsOf(viewFilterNoBarrier, facts)) {
      const view = facts.relations.find(({ label }) => label === draft.object)
      const seen = view === undefined ? undefined : await askView(arena, view, draft.tables ?? [])
      if (seen !== undefined)
        arena.report({ ...draft, rule: 'view-filter-no-barrier', tables: [seen.table], evidence: [seen.how] })
    }
  },
}

interface Told {
  readonly table: string
  readonly how: string
}

async function askFunction(arena: Arena, fn: DatabaseFunction): Promise<Told | undefined> {
  const { facts } = arena
  if (!isHarmless(facts, fn) || fn.kind !== 'function') return undefined
  const name = `${quoteIdentifier(fn.schema)}.${quoteIdentifier(fn.name)}`
  for (const { relation, column } of callerPatterns(facts, fn)) {
    const inputs = inputsOf(fn)
    for (const [at, argument] of inputs.entries()) {
      if (!filler(argument).startsWith("'pw'")) continue
      const sql = (pattern: string) =>
        `select count(*) from (select ${name}(${inputs
          .map((each, other) => (other === at ? `${quoteLiteral(pattern)}::${argument.type}` : filler(each)))
          .join(', ')}) offset 0) as asked`
      for (const role of facts.executors(fn)) {
        const plan = await tells(arena, role, relation, column, sql)
        if (plan !== undefined)
          return { table: relation.label, how: sentence(role, `${fn.name}(…)`, relation, column, plan) }
      }
    }
  }
  return undefined
}

/** Evidence that PostgreSQL compares the view's filter after a condition of the caller, because an index serves that condition. */
async function askView(arena: Arena, view: Relation, tables: readonly string[]): Promise<Told | undefined> {
  const { facts } = arena
  for (const relation of facts.relations.filter(({ label }) => tables.includes(label)))
    for (const { name } of view.columns.filter(({ category }) => category === 'S'))
      for (const role of facts.reach(view, 'SELECT')) {
        const sql = (pattern: string) => countLike(view, name, '~~*', pattern)
        const plan = await tells(arena, role, relation, name, sql)
        if (plan !== undefined)
          return { table: relation.label, how: sentence(role, `SELECT on ${view.label}`, relation, name, plan) }
      }
  return undefined
}

function countLike(relation: Relation, column: string, operator: string, pattern: string): string {
  return `select count(*) from ${qualifiedName(relation)} where ${quoteIdentifier(column)} operator(pg_catalog.${operator}) ${quoteLiteral(pattern)}`
}

async function askTables(arena: Arena, operator: string | undefined): Promise<Told | undefined> {
  const { facts } = arena
  if (operator === undefined) return undefined
  const tables = [...facts.tenancy.tables.values()]
    .map(({ relation }) => relation)
    .filter(({ rowSecurity }) => rowSecurity)
  for (const relation of tables.slice(0, MOST_TABLES)) {
    for (const column of relation.columns.filter(({ category }) => category === 'S')) {
      for (const role of facts.reach(relation, 'SELECT')) {
        const sql = (pattern: string) => countLike(relation, column.name, operator, pattern)
        const plan = await tells(arena, role, relation, column.name, sql)
        if (plan !== undefined)
          return {
            table: relation.label,
            how: sentence(role, `SELECT on ${relation.label}`, relation, column.name, plan),
          }
      }
    }
  }
  return undefined
}

function sentence(role: ActingRole, what: string, relation: Relation, column: string, plan: readonly string[]): string {
  const settings = plan.length === 0 ? '' : ` with ${plan.join(', ')}`
  return `as ${role.path.join(' → ')}, tenant A${settings}: ${what} raised an error for a pattern that matches ${relation.label}.${column} of tenant B, and none for a text that no row has`
}

/** The planner settings under which the error tells whether tenant B's row has its text. */
async function tells(
  arena: Arena,
  role: ActingRole,
  relation: Relation,
  column: string,
  sql: (pattern: string) => string,
): Promise<readonly string[] | undefined> {
  const value = arena.row(relation, 'b')?.values[column]
  const own = arena.row(relation, 'a')?.values[column]
  // Trigrams need three characters, and a text that tenant A has as well proves nothing.
  if (typeof value !== 'string' || value.length < 3 || own?.includes(value) === true) return undefined
  // If the policies show B's row anyway, the error reveals nothing more.
  if (await crosses(arena, relation, 'select', role, arena.contexts.a)) return undefined
  const name = quoteIdentifier(column)
  // PostgreSQL looks at the end of the pattern only while text is left to compare, so tenant B's text gets one more character.
  const prepare = `${AS_PLANTER}; update ${qualifiedName(relation)} set ${name} = ${name} || '.' where ${name}::text = ${quoteLiteral(value)}; ${becomeSql(arena.facts, role)};`
  const raises = async (text: string, plan: readonly string[]) => {
    const answer = await arena.as(role, arena.contexts.a, async () => {
      // Earlier calls on this connection may have left a plan that other settings chose.
      const settings = ['plan_cache_mode = force_custom_plan', ...plan]
      await arena.session.run(`${prepare} ${settings.map((setting) => `set local ${setting};`).join(' ')}`)
      return arena.session.text(sql(`%${text.replaceAll(/[\\%_]/g, '\\$&')}%\\`))
    })
    return !answer.ok && answer.error.code === INVALID_ESCAPE
  }
  const nobodys = `${[...value].toReversed().join('')}-${arena.planting.nonce}`
  for (const plan of PLANS) if ((await raises(value, plan)) && !(await raises(nobodys, plan))) return plan
  return undefined
}
