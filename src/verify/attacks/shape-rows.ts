import type { Column } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Verb } from '../../catalog/verbs.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { crosser } from '../attack/crosser.ts'
import { AS_PLANTER, becomeSql } from '../attack/identity.ts'
import { withOnlyPolicy } from '../attack/only-policy.ts'
import { columnsIn, literalsOf } from '../attack/policy-literals.ts'
import { victimRead } from '../attack/victim-read.ts'
import { PLACE, victimRow } from '../attack/victim-row.ts'
import type { RuleId } from '../finding/rule-id.ts'
import { narrowPolicySql } from '../readings/policy-finding.ts'
import { type PolicyWeakness, weaknessesOf } from '../readings/weaknesses.ts'

const RULES: readonly RuleId[] = [
  'policy-column-opt-out',
  'policy-null-tenant',
  'policy-wrong-column',
  'policy-role-identity',
]
/** Maximum number of combinations of values that are tried for one weakness. */
const MOST = 12

/** Gives B's row the values for which a policy opens a row (such as `is_public = true`), then reads, changes and deletes it as A. */
export const shapeRows: Attack = {
  name: 'shape-rows',
  title: 'gives another tenant’s row the values for which a policy opens rows, and reads, changes or deletes it',
  needs: 'a policy that opens rows by a value in them (tried as a superuser only)',
  rules: RULES,
  async run(arena) {
    // Only a superuser can turn off triggers and foreign keys, and so give the row any value.
    if (!arena.facts.catalog.reader.superuser) return
    for (const rule of RULES)
      for (const weakness of weaknessesOf(arena.facts, rule))
        for (const role of arena.facts.acting.filter((acting) => weakness.roles.includes(acting.role.name)))
          await reach(arena, weakness, role)
  },
}

async function reach(arena: Arena, weakness: PolicyWeakness, role: ActingRole): Promise<void> {
  const { relation, rule } = weakness
  for (const verb of weakness.verbs) {
    // Rows without a tenant that all tenants may read are the purpose of such a policy. A tenant that changes them is a hole.
    if (verb === 'insert' || (rule === 'policy-null-tenant' && verb === 'select')) continue
    const shape = await openShape(arena, weakness, role, verb)
    if (shape !== undefined) {
      if (verb === 'select') keepScript(arena, weakness, role, shape)
      const names = [...shape.keys()].map((column) => column.name).join(', ')
      arena.report({
        rule,
        object: relation.label,
        ...(weakness.policy === undefined ? {} : { detail: weakness.policy }),
        verbs: [verb],
        message: `Values of ${names} open rows of other tenants in ${relation.label}.`,
        evidence: [
          `as ${role.path.join(' → ')}, tenant A: ${verb.toUpperCase()} reached tenant B's row once its ${names} had the value that the policy names`,
        ],
        fix: narrowPolicySql(arena.facts, relation, weakness.policyObject),
      })
    }
  }
}

/**
 * Keeps a script that reads the row once it has the values. Other verbs have no script, because only the row's place on disk shows what
 * they did.
 */
function keepScript(arena: Arena, { relation, rule, policy }: PolicyWeakness, role: ActingRole, shape: Shape): void {
  const victim = victimRow(arena, relation)
  const read = victimRead(arena, relation, role)
  const names = [...shape.keys()].map(({ name }) => quoteIdentifier(name))
  if (victim === undefined || read === undefined || names.some((name) => read.includes(`${name}::text`))) return
  const sets = [...shape].map(([column, value]) => `${quoteIdentifier(column.name)} = ${value}`).join(', ')
  arena.repeatable(crosser(role, arena.contexts.a), {
    rule,
    ...(policy === undefined ? {} : { detail: policy }),
    relation,
    verb: 'select',
    sql: `${AS_PLANTER}; set local session_replication_role = replica; update ${qualifiedName(relation)} set ${sets} where ${victim.filter}; set local session_replication_role = origin; ${becomeSql(arena.facts, role)}; ${read}`,
    note: `-- A superuser first gives the row of tenant B the value of ${names.join(', ')} that the policy names.`,
    saw: 'In this run: 1 row, of tenant B. A policy that keeps tenants apart shows none.',
  })
}

type Shape = ReadonlyMap<Column, string>

/** The first combination of values for which this policy alone lets B's row pass, although it did not before. */
async function openShape(
  arena: Arena,
  weakness: PolicyWeakness,
  role: ActingRole,
  verb: Verb,
): Promise<Shape | undefined> {
  return withOnlyPolicy(arena, weakness.relation, weakness.policyObject, verb, async () => {
    // Control: if the row is reached without changed values, this attack is not the cause.
    if (await crosses(arena, weakness, role, verb, new Map())) return undefined
    for (const shape of shapesOf(arena, weakness, role))
      if (await crosses(arena, weakness, role, verb, shape)) return shape
    return undefined
  })
}

async function crosses(
  arena: Arena,
  { relation }: PolicyWeakness,
  role: ActingRole,
  verb: Verb,
  shape: Shape,
): Promise<boolean> {
  const { session, facts } = arena
  const victim = victimRow(arena, relation)
  if (victim === undefined) return false
  const name = qualifiedName(relation)
  const own = facts.tenantTable(relation)?.column
  const changed = relation.columns.find(
    (column) =>
      column !== own &&
      column.generated === undefined &&
      column.identity !== 'always' &&
      facts.privileges.onColumn(role.role.oid, relation, column, 'UPDATE'),
  )
  const answer = await arena.as(role, arena.contexts.a, async () => {
    await session.run(`${AS_PLANTER}; set local session_replication_role = replica`)
    const sets = [...shape].map(([column, value]) => `${quoteIdentifier(column.name)} = ${value}`).join(', ')
    const { rows } = await session.text(
      shape.size === 0
        ? `select ${PLACE} as place from ${name} where ${victim.filter}`
        : `update ${name} set ${sets} where ${victim.filter} returning ${PLACE} as place`,
    )
    const place = rows[0]?.['place']
    if (typeof place !== 'string') return false
    const there = `select 1 from ${name} where ${PLACE} = ${quoteLiteral(place)}`
    await session.run(
      `${verb === 'delete' ? '' : 'set local session_replication_role = origin; '}${becomeSql(arena.facts, role)}`,
    )
    if (verb === 'select') return (await session.text(there)).count > 0
    if (verb === 'update' && changed === undefined) return false
    const column = quoteIdentifier(changed?.name ?? '')
    await session.run(verb === 'delete' ? `delete from ${name}` : `update ${name} set ${column} = ${column}`)
    await session.run(AS_PLANTER)
    return (await session.text(there)).count === 0
  })
  return answer.ok && answer.value
}

/** Combinations of values for the columns that the weak branch names. */
function shapesOf(arena: Arena, weakness: PolicyWeakness, role: ActingRole): readonly Shape[] {
  const { relation, rule, policyObject, subject, text } = weakness
  const { facts } = arena
  const subjectColumn = relation.columns.find((column) => column.name === subject)
  const one = (column: Column | undefined, values: readonly string[]) =>
    column === undefined ? [] : values.map((value) => new Map([[column, value]]))
  if (rule === 'policy-null-tenant') return one(facts.tenantTable(relation)?.column, ['null'])
  if (rule === 'policy-wrong-column')
    return one(subjectColumn, [`${quoteLiteral(arena.planting.tenants.a.id)}::${subjectColumn?.type ?? 'text'}`])
  if (rule === 'policy-role-identity')
    return one(
      subjectColumn,
      [role.role.name, facts.tenancy.appRole.name].map((name) => quoteLiteral(name)),
    )
  const columns = columnsIn(facts, relation, policyObject).filter(
    (column) =>
      column !== facts.tenantTable(relation)?.column &&
      column.generated === undefined &&
      (text.endsWith('…') || text.includes(column.name)),
  )
  const literals = literalsOf(facts, policyObject)
  let shapes: readonly Shape[] = [new Map()]
  for (const column of columns) {
    const values = candidates(column, literals)
    shapes = shapes.flatMap((shape) => values.map((value) => new Map([...shape, [column, value]]))).slice(0, MOST)
  }
  return shapes.filter((shape) => shape.size > 0)
}

function candidates(column: Column, literals: readonly string[]): readonly string[] {
  const empty = column.notNull ? [] : ['null']
  if (column.baseType === 'boolean') return ['true', 'false', ...empty]
  if (/^(timestamp|date)/.test(column.baseType))
    return [...empty, `(now() - interval '1 day')::${column.type}`, `(now() + interval '1 day')::${column.type}`]
  // `kind <> 'private'` is true for any other value.
  const other = /^(text|character varying|citext)$/.test(column.baseType) ? [`'pw'::${column.type}`] : []
  return [
    ...literals.map((text) => `${quoteLiteral(text)}::${column.type}`),
    ...other,
    ...empty,
    quoteIdentifier(column.name),
  ]
}
