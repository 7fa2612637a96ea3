import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import { type PolicyWeakness, weaknessesOf } from '../readings/weaknesses.ts'
import { policyTrustsUnprotectedTable } from '../rules/policy-trusts-unprotected-table.ts'
import type { Arena } from './arena.ts'
import { rowFilter } from './row-filters.ts'
import { literal, variantInsert } from './variant-row.ts'
import { victimRead } from './victim-read.ts'

const RULE = policyTrustsUnprotectedTable.id

/**
 * Inserts a row of tenant A into a table of members that names B's user (or makes A's own row name that user), and then reads and changes
 * the user. This is tried only on tables without a tenant to which such a row refers.
 */
export async function nameRows(arena: Arena): Promise<void> {
  const { facts } = arena
  const seen = new Set<string>()
  for (const weakness of weaknessesOf(facts, RULE)) {
    const lookup = facts.relations.find(({ label }) => label === weakness.subject)
    if (lookup === undefined || weakness.names === undefined || seen.has(`${lookup.oid}/${weakness.relation.oid}`))
      continue
    seen.add(`${lookup.oid}/${weakness.relation.oid}`)
    for (const role of facts.acting.filter(({ bypasses }) => !bypasses)) {
      const evidence = await letIn(arena, weakness, weakness.names, lookup, role)
      if (evidence.length === 0) continue
      arena.report({
        rule: RULE,
        object: lookup.label,
        detail: weakness.relation.label,
        verbs: ['select'],
        tables: [weakness.relation.label],
        message: `One tenant gives itself rows of another in ${weakness.relation.label} by a row in ${lookup.label}.`,
        evidence,
        fix: `REVOKE INSERT, UPDATE ON ${qualifiedName(lookup)} FROM ${quoteIdentifier(role.role.name)};`,
      })
    }
  }
}

async function letIn(
  arena: Arena,
  { relation }: PolicyWeakness,
  names: NonNullable<PolicyWeakness['names']>,
  lookup: Relation,
  role: ActingRole,
): Promise<readonly string[]> {
  const read = victimRead(arena, relation, role)
  if (read === undefined) return []
  const evidence: string[] = []
  for (const write of writesOf(arena, relation, names, lookup, role)) {
    const by = `as ${role.path.join(' → ')}, tenant A: after ${write.startsWith('update') ? 'UPDATE' : 'INSERT'} on ${lookup.label}`
    if (await follows(arena, role, read, write, read))
      evidence.push(`${by} the planted row of tenant B was read from ${relation.label}`)
    const change = changeOf(arena, relation, role)
    if (change !== undefined && (await follows(arena, role, read, write, change)))
      evidence.push(`${by} an UPDATE changed the planted row of tenant B in ${relation.label}`)
    if (evidence.length > 0) break
  }
  return evidence
}

/** Whether a statement reaches a row after the write. Control: if the row is visible before the write, the write is not the cause. */
async function follows(arena: Arena, role: ActingRole, read: string, write: string, then: string): Promise<boolean> {
  const { session } = arena
  const answer = await arena.as(role, arena.contexts.a, async () => {
    if ((await session.text(read)).count > 0) return false
    await session.run(write)
    return (await session.text(then)).count > 0
  })
  return answer.ok && answer.value
}

/** Statements that make a row of A in the lookup table refer to B's row: one inserts a new row, and one changes A's own row. */
function writesOf(
  arena: Arena,
  relation: Relation,
  names: NonNullable<PolicyWeakness['names']>,
  lookup: Relation,
  role: ActingRole,
): readonly string[] {
  const victim = arena.row(relation, 'b')
  const own = arena.row(lookup, 'a')
  const given = new Map<Column, string | null>()
  names.columns.forEach((name, at) => {
    const column = lookup.columns.find((each) => each.name === name)
    const value = victim?.values[names.parentColumns[at] ?? '']
    if (column !== undefined && typeof value === 'string') given.set(column, value)
  })
  if (given.size < names.columns.length) return []
  const insert = variantInsert(arena, lookup, 'a', role, given)
  const filter = own === undefined ? undefined : rowFilter(lookup, own, lookup.columns)
  const { privileges } = arena.facts
  const mayUpdate = [...given.keys()].every((column) => privileges.onColumn(role.role.oid, lookup, column, 'UPDATE'))
  const set = [...given].map(([column, value]) => `${quoteIdentifier(column.name)} = ${literal(column, value)}`)
  return [
    ...(insert === undefined ? [] : [insert]),
    ...(filter === undefined || !mayUpdate
      ? []
      : [`update ${qualifiedName(lookup)} set ${set.join(', ')} where ${filter}`]),
  ]
}

/** An UPDATE of B's row that stores a readable column again. Undefined if the role may not update such a column. */
function changeOf(arena: Arena, relation: Relation, role: ActingRole): string | undefined {
  const { privileges } = arena.facts
  const row = arena.row(relation, 'b')
  const column = relation.columns.find(
    (each) =>
      each.generated === undefined &&
      each.identity !== 'always' &&
      privileges.onColumn(role.role.oid, relation, each, 'UPDATE') &&
      privileges.onColumn(role.role.oid, relation, each, 'SELECT'),
  )
  const readable = relation.columns.filter((each) => privileges.onColumn(role.role.oid, relation, each, 'SELECT'))
  const filter = row === undefined ? undefined : rowFilter(relation, row, readable)
  if (column === undefined || filter === undefined) return undefined
  const name = quoteIdentifier(column.name)
  return `update ${qualifiedName(relation)} set ${name} = ${name} where ${filter}`
}
