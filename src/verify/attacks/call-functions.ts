import type { DatabaseFunction, Relation } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'
import type { Verb } from '../../catalog/verbs.ts'
import { invokerSql } from '../../tenancy/invoker-sql.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import type { BatchProbe } from '../attack/batch.ts'
import { type ArgumentList, argumentLists } from '../attack/call-arguments.ts'
import { type Crosser, crosser } from '../attack/crosser.ts'
import { isHarmless } from '../attack/harmless.ts'
import { holdsMarker, markersOf } from '../attack/markers.ts'
import type { RepeatedAttack } from '../attack/repeat-script.ts'
import { changedCells, victimState } from '../attack/victim-state.ts'
import { draftsOf } from '../finding/drafts.ts'
import type { Rule } from '../finding/rule.ts'
import type { RuleId } from '../finding/rule-id.ts'
import { callableDefiners, unheldQueries } from '../readings/definer-code.ts'
import { secdefDynamicSql } from '../rules/secdef-dynamic-sql.ts'
import { secdefTenantArgument } from '../rules/secdef-tenant-argument.ts'
import { secdefUnfiltered } from '../rules/secdef-unfiltered.ts'
import { upsertCrosses } from '../rules/upsert-crosses.ts'

const RULES: readonly Rule[] = [secdefUnfiltered, secdefTenantArgument, secdefDynamicSql, upsertCrosses]
/** Maximum number of tables that are watched for a function whose body does not name its tables. */
const MOST_TABLES = 12
/** Calls every SECURITY DEFINER function with values that an attacker has, and checks whether B's rows are returned or changed. */
export const callFunctions: Attack = {
  name: 'call-functions',
  title:
    'calls SECURITY DEFINER functions with ids of another tenant, without values, and with text that breaks out of quotes',
  needs:
    'a SECURITY DEFINER function that a role in reach may call, that touches tenant tables, and that reaches no file, server or session',
  rules: RULES.map((rule) => rule.id),
  passes: ['set', 'never-set'],
  async run(arena) {
    const { facts } = arena
    const drafts = RULES.flatMap((rule) => draftsOf(rule, facts).map((draft) => ({ rule: rule.id, draft })))
    for (const fn of callableDefiners(facts)) {
      if (!isHarmless(arena.facts, fn)) continue
      const said = drafts.filter(({ draft }) => draft.object === fn.label)
      const tables = touched(arena, fn, said.length > 0)
      const seen = tables.length === 0 ? undefined : await call(arena, fn, tables, said.length > 0)
      if (seen === undefined) {
        if (said.length > 0 && arena.pass === 'set' && (await worksForItsOwn(arena, fn, tables)))
          for (const { rule } of said) arena.tried(rule, fn.label)
        continue
      }
      const rules: readonly RuleId[] = said.length > 0 ? said.map(({ rule }) => rule) : ['secdef-tenant-argument']
      const [relation] = tables
      for (const rule of rules) {
        if (relation !== undefined && seen.script !== undefined)
          arena.repeatable(seen.by, { ...seen.script, rule, object: fn.label, relation, sources: tables })
        arena.report({
          rule,
          object: fn.label,
          message: `${fn.label} runs as ${facts.roleName(fn.owner)} and reaches rows of other tenants.`,
          evidence: [seen.how],
          cells: seen.cells,
          ...(seen.secret
            ? {
                most: {
                  level: 'medium' as const,
                  because: 'The attack gave the function a secret of the row, which its holder may be meant to use.',
                },
              }
            : {}),
          tables: tables.map((table) => table.label),
          fix: invokerSql(facts, fn),
        })
      }
    }
  },
}

/**
 * The tenant tables that the function reaches without their policies. If the function's code can't be read or a rule has reported the
 * function, these are all tenant tables, up to the limit.
 */
function touched(arena: Arena, fn: DatabaseFunction, said: boolean): readonly Relation[] {
  const { facts } = arena
  const named = [...new Set(unheldQueries(facts, fn).map(({ relation }) => relation))]
  if (named.length > 0) return named
  const root = facts.tenancy.root?.relation
  if (!said && facts.sql.body(fn).kind !== 'unreadable') return []
  return [...facts.tenancy.tables.values()]
    .map(({ relation }) => relation)
    .filter((relation) => said || relation !== root)
    .slice(0, MOST_TABLES)
}

interface Reached {
  readonly how: string
  readonly secret: boolean
  readonly cells: readonly { readonly object: string; readonly verb: Verb }[]
  readonly by: Crosser
  /** Left out if only the text of an error revealed values. */
  readonly script?: Pick<RepeatedAttack, 'sql' | 'judge' | 'verb' | 'saw'>
}

async function call(
  arena: Arena,
  fn: DatabaseFunction,
  tables: readonly Relation[],
  said: boolean,
): Promise<Reached | undefined> {
  // Arguments that every attacker has come first. A token comes last, because only its holder knows it.
  const lists = argumentLists(arena, fn, tables)
    .filter((list) => said || list.guessable)
    .toSorted((a, b) => Number(a.secret) - Number(b.secret))
  const markers = markersOf(arena, tables)
  const state = victimState(arena, tables)
  const before = state === undefined ? undefined : await arena.asPlanter(() => arena.session.text(state))
  const stood = before?.ok === true ? Object.values(before.value.rows[0] ?? {})[0] : undefined
  // A returned value does not tell from which of several tables it comes.
  const readCells = tables.length === 1 ? tables.map(({ label }) => ({ object: label, verb: 'select' as const })) : []
  for (const role of arena.facts.executors(fn)) {
    for (const context of arena.attackers.slice(0, 2)) {
      const probes = lists.map((list, at) => probe(fn, list, at, markers, state))
      const answers = await arena.batch(role, context, probes)
      for (const [at, list] of lists.entries()) {
        const answer = answers.get(String(at))
        if (answer === undefined) continue
        const how = `as ${role.path.join(' → ')}, ${context.name}: ${fn.name}(${list.shown.replace(/\s+/g, ' ').slice(0, 240)})`
        const { secret } = list
        const by = crosser(role, context)
        if (answer.ok && fn.kind === 'function' && answer.rows > 0) {
          const script = { sql: probes[at]?.sql ?? '', verb: 'select', saw: RETURNED } as const
          return { how: `${how} returned a row of tenant B`, secret, cells: readCells, by, script }
        }
        if (answer.ok && stood && answer.judged !== null && answer.judged !== stood) {
          const cells = changedCells(tables, stood, answer.judged)
          const [{ verb } = { verb: 'update' as const }] = cells
          const judge = state === undefined ? {} : { judge: state }
          const script = { sql: probes[at]?.sql ?? '', ...judge, verb, saw: CHANGED }
          return { how: `${how} changed rows of tenant B`, secret, cells, by, script }
        }
        const told = without(markers, list).some((marker) => answer.text.includes(marker))
        if (!answer.ok && told)
          return { how: `${how} told values of tenant B in its error`, secret, cells: readCells, by }
      }
    }
  }
  return undefined
}

const RETURNED =
  'In this run: 1 row, which holds values of tenant B that the caller did not pass in. Without the leak: no row.'
const CHANGED =
  'In this run: the call changed rows of tenant B. The two answers differ: they name the number of these rows and the place of each version. Without the leak they are the same.'

/**
 * Control for calls of tenant A that reached nothing. If the same call by tenant B returns or changes a row, the arguments were right, and
 * the function kept tenant A out.
 */
async function worksForItsOwn(arena: Arena, fn: DatabaseFunction, tables: readonly Relation[]): Promise<boolean> {
  const lists = argumentLists(arena, fn, tables).filter(({ guessable }) => guessable)
  const markers = markersOf(arena, tables)
  const state = victimState(arena, tables)
  const before = state === undefined ? undefined : await arena.asPlanter(() => arena.session.text(state))
  const stood = before?.ok === true ? Object.values(before.value.rows[0] ?? {})[0] : undefined
  for (const role of arena.facts.executors(fn)) {
    const probes = lists.map((list, at) => probe(fn, list, at, markers, state))
    const answers = await arena.batch(role, arena.contexts.b, probes)
    for (const answer of answers.values()) {
      if (!answer.ok) continue
      if (fn.kind === 'function' && answer.rows > 0) return true
      if (stood !== undefined && answer.judged !== null && answer.judged !== stood) return true
    }
  }
  return false
}

function without(markers: readonly string[], list: ArgumentList): readonly string[] {
  return markers.filter((marker) => !list.given.some((value) => value.includes(marker)))
}

function probe(
  fn: DatabaseFunction,
  list: ArgumentList,
  at: number,
  markers: readonly string[],
  state: string | undefined,
): BatchProbe {
  const name = `${quoteIdentifier(fn.schema)}.${quoteIdentifier(fn.name)}(${list.sql})`
  const looked = without(markers, list)
  // OFFSET 0 keeps the planner from merging the subquery, so that the function is called once and not again in the condition.
  const sql =
    fn.kind === 'procedure'
      ? `call ${name}`
      : `select 1 from (select ${name}::text as t offset 0) as said where ${looked.length === 0 ? 'said.t is null and false' : holdsMarker('said.t', looked)}`
  return { key: String(at), sql, ...(state === undefined ? {} : { judge: state }) }
}
