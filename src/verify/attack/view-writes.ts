import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Verb } from '../../catalog/verbs.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from './arena.ts'
import type { BatchAnswer, BatchProbe } from './batch.ts'
import { AS_PLANTER, becomeSql } from './identity.ts'
import { literal } from './variant-row.ts'
import { type Baseline, PLACE, tenantMark, victimRow } from './victim-row.ts'

/** A write through a view that is aimed at B's row of an underlying table. */
export interface ViewWrite extends BatchProbe {
  readonly verb: Verb
  readonly what: string
  readonly crossed: (answer: BatchAnswer) => boolean
}

/** The writes that an automatically updatable view passes on to its table. Columns of view and table are matched by name. */
export function viewWrites(
  arena: Arena,
  view: Relation,
  table: Relation,
  role: ActingRole,
  before: Baseline | undefined,
): readonly ViewWrite[] {
  const { facts } = arena
  const victim = victimRow(arena, table)
  const mark = victim === undefined ? undefined : tenantMark(arena, table, victim.row)
  if (victim === undefined || mark === undefined || before === undefined) return []
  const name = qualifiedName(view)
  const shared = table.columns.filter(
    (column) =>
      view.columns.some((own) => own.name === column.name) &&
      column.generated === undefined &&
      column.identity !== 'always',
  )
  const may = (bit: number, privilege: 'INSERT' | 'UPDATE' | 'DELETE') =>
    (view.updatable & bit) !== 0 && facts.privileges.onRelation(role.role.oid, view, privilege)
  const value = (column: Column) => literal(column, victim.row.values[column.name] ?? null)
  const owner = facts.tenantTable(table)?.column
  const probes: ViewWrite[] = []
  const base = qualifiedName(table)
  const lift = (...statements: readonly string[]) =>
    facts.catalog.reader.superuser
      ? [
          AS_PLANTER,
          'set local session_replication_role = replica',
          ...statements,
          `${becomeSql(arena.facts, role)}`,
          '',
        ].join('; ')
      : undefined
  if (may(4, 'UPDATE')) {
    const column = shared.find((candidate) => candidate !== owner)
    if (column !== undefined)
      probes.push({
        key: `${view.oid}/${table.oid}/update`,
        sql: `update ${name} set ${quoteIdentifier(column.name)} = ${quoteIdentifier(column.name)}`,
        judge: `select ${PLACE} from ${base} where ${victim.filter}`,
        verb: 'update',
        what: `UPDATE on ${view.label} changed the row of tenant B`,
        crossed: (answer) => answer.ok && answer.judged !== null && answer.judged !== before.place,
      })
    if (owner !== undefined && shared.includes(owner))
      probes.push({
        key: `${view.oid}/${table.oid}/move`,
        sql: `update ${name} set ${quoteIdentifier(owner.name)} = ${value(owner)}`,
        judge: `select count(*) from ${base} where ${mark}`,
        verb: 'update',
        what: `UPDATE on ${view.label} moved a row of tenant A to tenant B`,
        crossed: (answer) => answer.ok && Number(answer.judged) > before.marked,
      })
  }
  if (may(16, 'DELETE'))
    probes.push({
      key: `${view.oid}/${table.oid}/delete`,
      // Triggers and foreign keys are off: a foreign key would refuse to delete a referenced row, and so hide the hole.
      sql: `${lift() ?? ''}delete from ${name}`,
      judge: `select count(*) from ${base} where ${victim.filter}`,
      verb: 'delete',
      what: `DELETE on ${view.label}${lift() === undefined ? '' : ', with triggers and foreign keys off,'} removed the row of tenant B`,
      crossed: (answer) => answer.ok && answer.judged === '0',
    })
  const cleared = lift(`delete from ${base} where ${victim.filter}`, 'set local session_replication_role = origin')
  if (may(8, 'INSERT') && cleared !== undefined && shared.length > 0)
    probes.push({
      key: `${view.oid}/${table.oid}/insert`,
      sql: `${cleared}insert into ${name} (${shared.map((column) => quoteIdentifier(column.name)).join(', ')}) values (${shared.map(value).join(', ')})`,
      judge: `select count(*) from ${base} where ${mark}`,
      verb: 'insert',
      what: `INSERT into ${view.label} stored a row of tenant B`,
      crossed: (answer) => answer.ok && Number(answer.judged) > before.marked - 1,
    })
  return probes
}
