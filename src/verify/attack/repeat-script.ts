import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Verb } from '../../catalog/verbs.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'
import { lookupsOf } from '../../tenancy/lookups.ts'
import type { RuleId } from '../finding/rule-id.ts'
import type { ExaminedScript } from '../report/examined.ts'
import { splitStatements } from '../sources/split-statements.ts'
import type { AttackContext } from './contexts.ts'
import { pastSequences } from './drawn-sequences.ts'
import { AS_PLANTER, becomeSql } from './identity.ts'
import type { Planting } from './planting.ts'
import { splitSeal } from './seal-script.ts'

/** One statement that reached a row of another tenant. */
export interface RepeatedAttack {
  /**
   * The rule that the attack belongs to. Left out if the attack shows a crossing of the table, because a crossing may have several causes.
   */
  readonly rule?: RuleId
  /** The detail of the finding, such as the name of a constraint, if an object may have several findings of the rule. */
  readonly detail?: string
  readonly relation: Relation
  /** The label of the finding's object, if it is not the relation. */
  readonly object?: string
  /** For a view: the tables whose planted rows it shows. */
  readonly sources?: readonly Relation[]
  readonly verb: Verb
  /** The attack's statements, as they were sent after the context. */
  readonly sql: string
  /** A query that returns one value. A superuser runs this query before and after the attack. */
  readonly judge?: string
  /** A comment above statements that a superuser runs before the attack. If it is left out, the script has the usual comment. */
  readonly note?: string
  /** What came back in this run: `1 row. Each row is a leak.` */
  readonly saw: string
}

/** How a reader of a script sees that a write reached tenant B. */
export const WRITE_TELLS: Readonly<Record<Verb, string>> = {
  select: 'Each row is a leak.',
  insert:
    'The INSERT was accepted.\nWithout the leak it ends in an error with SQLSTATE 42501, such as “new row violates row-level security policy”, or 44000 of a view WITH CHECK OPTION.\nAny other error, such as a duplicate key, shows neither a leak nor a protection. psql prints the SQLSTATE after \\set VERBOSITY verbose',
  update: 'The two answers differ: each version of a row has its own place, or the number of rows of tenant B grew.',
  delete: 'The number fell to 0. Without the leak it stays 1.',
}

/** The note above statements that a superuser runs before the attack. */
function liftedNote(sql: string): string {
  const removes = /session_replication_role = replica;\s*delete from [\s\S]*session_replication_role = origin/i.test(
    sql,
  )
  return removes
    ? '-- A superuser first removes a row that is in the way, with triggers and foreign keys off. They are on again when the attack is sent.'
    : '-- A superuser first turns triggers and foreign keys off: a foreign key would refuse to remove a row that others refer to, and so hide what the policies allow.'
}

/** Who attacked, in which context. */
interface ScriptActor {
  readonly role: ActingRole
  readonly context: AttackContext
  /** `as app, tenant A` */
  readonly name: string
}

interface ScriptParts {
  readonly facts: Facts
  readonly planting: Planting
}

/**
 * SQL for psql that plants the rows that the attack used, does what the attack did, and rolls back. Undefined if no row of the table was planted,
 * or if the seal of the context can't be made again.
 */
export function repeatScript(parts: ScriptParts, by: ScriptActor, attack: RepeatedAttack): ExaminedScript | undefined {
  const { facts } = parts
  const rows = neededTables(parts, [...(attack.sources ?? []), attack.relation]).flatMap((relation) =>
    insertsOf(parts, relation),
  )
  const context = splitSeal(by.context.sql(by.role))
  if (rows.length === 0 || context === undefined) return undefined
  const judge = attack.judge === undefined ? [] : [`${attack.judge};`]
  const lines = [
    '-- Run it in psql as a superuser, on a database with this schema and no rows, such as one that was filled from the input files.',
    'BEGIN;',
    '-- Rows of two made-up tenants. Triggers and foreign keys are off while they are stored. setval moves sequences past the ids of these rows; the',
    '-- ROLLBACK does not move them back.',
    'SET LOCAL session_replication_role = replica;',
    ...rows,
    'SET LOCAL session_replication_role = origin;',
    ...context.seal,
    ...(judge.length === 0 ? [] : ['-- Before the attack:', ...judge]),
    `-- The attack, ${by.name}:`,
    ...statementsOf(`${becomeSql(facts, by.role)};${context.rest}`),
    ...(attack.sql.includes('session_replication_role') ? [attack.note ?? liftedNote(attack.sql)] : []),
    ...statementsOf(attack.sql),
    ...(judge.length === 0 ? [] : ['-- After the attack, as a superuser:', ...statementsOf(AS_PLANTER), ...judge]),
    ...attack.saw.split('\n').map((line) => `-- ${line}`),
    'ROLLBACK;',
  ]
  const { rule, detail, object = attack.relation.label, verb } = attack
  const about = { ...(rule === undefined ? {} : { rule }), ...(detail === undefined ? {} : { detail }) }
  return { ...about, object, verb, by: by.name, sql: lines.join('\n') }
}

/**
 * The given relations, with the tables that their policies look up, the parents of their foreign keys, and the table of tenants. Parents
 * come first.
 */
function neededTables({ facts }: ScriptParts, relations: readonly Relation[]): readonly Relation[] {
  const { root, context } = facts.tenancy
  const lookups = lookupsOf(facts)
  const labels = new Set(relations.flatMap(({ label }) => lookups(label)))
  const seen = new Set<Relation>()
  const found: Relation[] = []
  const add = (each: Relation | undefined) => {
    if (each === undefined || seen.has(each)) return
    seen.add(each)
    const parents = each.constraints.flatMap(({ references }) => references?.relation ?? [])
    for (const oid of each.isPartition ? each.parents : parents) add(facts.relationOf(oid))
    // A partition's row is planted in the partitioned table, so only that table is added.
    if (!each.isPartition) found.push(each)
  }
  for (const each of facts.relations.filter(({ label }) => labels.has(label))) add(each)
  add(root?.relation)
  if (context.kind === 'key') add(context.table)
  for (const each of relations) add(each)
  return found
}

/**
 * Statements that insert the planted rows of a table and move its sequences past them. Triggers that fire in spite of
 * `session_replication_role` are disabled meanwhile.
 */
export function insertsOf({ facts, planting }: ScriptParts, relation: Relation): readonly string[] {
  const columns = relation.columns.filter((column) => column.generated === undefined)
  const overriding = columns.some((column) => column.identity === 'always') ? ' OVERRIDING SYSTEM VALUE' : ''
  const table = qualifiedName(relation)
  const rows = (['a', 'b'] as const).flatMap((side) => {
    const row = planting.row(relation, side)
    if (row === undefined) return []
    const values = columns.map((column) => literal(row.values[column.name], column))
    const names = columns.map((column) => quoteIdentifier(column.name))
    return [
      `INSERT INTO ${table} (${names.join(', ')})${overriding} VALUES (${values.join(', ')}); -- tenant ${side.toUpperCase()}`,
    ]
  })
  if (rows.length === 0) return []
  const stubborn = relation.triggers.filter(({ enabled }) => enabled === 'always' || enabled === 'replica')
  const alter = (what: string) => (trigger: { readonly name: string }) =>
    `ALTER TABLE ${table} ${what} TRIGGER ${quoteIdentifier(trigger.name)};`
  return [
    ...stubborn.map(alter('DISABLE')),
    ...rows,
    ...stubborn.map((trigger) => alter(`ENABLE ${trigger.enabled.toUpperCase()}`)(trigger)),
    ...pastSequences(facts, planting.drawn, relation),
  ]
}

function literal(value: string | null | undefined, column: Column): string {
  return value === null || value === undefined ? 'NULL' : `${quoteLiteral(value).trim()}::${column.type}`
}

/** One line for each statement. A semicolon in a quoted name or text does not end a statement. */
export function statementsOf(sql: string): readonly string[] {
  return splitStatements(sql).statements.map(({ text }) => `${text.trim().replace(/;$/, '')};`)
}
