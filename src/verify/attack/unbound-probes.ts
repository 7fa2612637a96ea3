import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Verb } from '../../catalog/verbs.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'
import { privilegeOf } from '../../tenancy/reach.ts'
import { isOpen } from '../report/unwalled.ts'
import type { Arena, AttackLedger } from './arena.ts'
import type { Side } from './planting.ts'
import { type ReadProbe, readProbe, rowFilter } from './row-filters.ts'

interface UnboundProbe {
  readonly key: string
  readonly sql: string
  readonly relation: Relation
  readonly verb: 'update' | 'delete'
}

/**
 * One SELECT for each table without a tenant whose policies decide what the role reads, and in which this side has a row. Tables that every
 * tenant reads by declaration are left out.
 */
export function unboundReads(arena: Arena, role: ActingRole, side: Side): readonly ReadProbe[] {
  const { facts } = arena
  return facts.relations.flatMap((relation) => {
    const row = arena.row(relation, side)
    if (row === undefined || !isRestricted(facts, relation, role, 'select')) return []
    return readProbe(arena, role, side, { relation, row }) ?? []
  })
}

/** An UPDATE that stores a column of this side's row again, and a DELETE of the row. */
function unboundWrites(arena: Arena, role: ActingRole, side: Side): readonly UnboundProbe[] {
  const { facts } = arena
  const may = (relation: Relation, verb: Verb) => isRestricted(facts, relation, role, verb)
  return facts.relations.flatMap((relation): readonly UnboundProbe[] => {
    const row = arena.row(relation, side)
    const of = (privilege: 'SELECT' | 'UPDATE') =>
      relation.columns.filter((column) => facts.privileges.onColumn(role.role.oid, relation, column, privilege))
    const readable = of('SELECT')
    const filter = row === undefined ? undefined : rowFilter(relation, row, readable)
    if (filter === undefined) return []
    const table = qualifiedName(relation)
    const column = of('UPDATE').find(
      (each) => readable.includes(each) && each.generated === undefined && each.identity !== 'always',
    )
    const name = quoteIdentifier(column?.name ?? '')
    const probe = (verb: 'update' | 'delete', sql: string) => ({ key: `${relation.oid}/${verb}`, sql, relation, verb })
    return [
      ...(column !== undefined && may(relation, 'update')
        ? [probe('update', `update ${table} set ${name} = ${name} where ${filter}`)]
        : []),
      ...(may(relation, 'delete') ? [probe('delete', `delete from ${table} where ${filter}`)] : []),
    ]
  })
}

function isRestricted(facts: Facts, relation: Relation, role: ActingRole, verb: Verb): boolean {
  const table = facts.judgedTable(relation)
  if (table?.kind !== 'child' || table.unbound !== true) return false
  return facts.privileges.onRelation(role.role.oid, relation, privilegeOf(verb)) && !isOpen(facts, relation, verb, role)
}

/**
 * Controls: tenant B reads, changes and deletes its own row of a table without a tenant. If B does not see the row, that is no failure,
 * because only a person knows whether the row should be visible.
 */
export async function controlUnbound(arena: Arena, ledger: AttackLedger, role: ActingRole): Promise<void> {
  const probes = [...unboundReads(arena, role, 'b'), ...unboundWrites(arena, role, 'b')]
  const answers = await arena.batch(role, arena.contexts.b, probes)
  for (const { key, relation, verb } of probes) {
    const answer = answers.get(key)
    if (answer === undefined) continue
    const worked = answer.ok && answer.rows > 0
    const how = answer.ok ? `tenant B did not ${verb} a planted row` : (answer.text.split('\n')[0] ?? '')
    ledger.controls.note(relation, verb, role, worked ? { status: 'worked' } : { status: 'not-run', how })
  }
}
