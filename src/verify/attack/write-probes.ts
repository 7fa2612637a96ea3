import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Verb } from '../../catalog/verbs.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'
import type { Arena } from './arena.ts'
import type { BatchAnswer, BatchProbe } from './batch.ts'
import { AS_PLANTER, becomeSql } from './identity.ts'
import type { PlantedRow } from './planting.ts'
import { plantedRow, rowFilter } from './row-filters.ts'
import { variantInsert } from './variant-row.ts'
import { type Baseline, bindingColumns, PLACE, tenantMark, victimRow } from './victim-row.ts'

/** One write, and the test whether it reached the row of tenant B. */
export interface WriteProbe extends BatchProbe {
  readonly relation: Relation
  readonly verb: Verb
  readonly what: string
  /** Whether the statement can also be a control. A move can't be one: if B moves its own row to its own tenant, nothing changes. */
  readonly isControl: boolean
  /** False if the stored row would not belong to another tenant. Its success is then no crossing. */
  readonly isAttack?: boolean
  readonly crossed: (answer: BatchAnswer, before: Baseline) => boolean
}

/**
 * The writes to try on one table as one role.
 *
 * @param wide whether to also try each writable column by itself, MERGE and ON CONFLICT. True for policies that could not be proved
 */
export function writeProbes(arena: Arena, relation: Relation, role: ActingRole, wide: boolean): readonly WriteProbe[] {
  const { facts } = arena
  if (facts.tenantTable(relation) === undefined || relation.kind === 'foreign-table') return []
  const victim = victimRow(arena, relation)
  if (victim === undefined) return []
  const may = (privilege: 'INSERT' | 'UPDATE' | 'DELETE') =>
    facts.privileges.onRelation(role.role.oid, relation, privilege)
  const target: Target = { arena, relation, role, ...victim }
  return [
    ...(may('UPDATE') ? updateProbes(target, wide) : []),
    ...(may('DELETE') ? deleteProbes(target, wide) : []),
    ...(may('INSERT') ? [insertProbe(target), ownInsertProbe(target)] : []),
    ...(may('UPDATE') ? [moveProbe(target)] : []),
  ].flatMap((probe) => probe ?? [])
}

interface Target {
  readonly arena: Arena
  readonly relation: Relation
  readonly role: ActingRole
  readonly row: PlantedRow
  readonly filter: string
}

/**
 * Two kinds of UPDATE. `SET c = c` reads c, so PostgreSQL applies the SELECT policies as well. `SET c = constant` reads nothing, so only
 * the UPDATE policies apply. Only the second kind finds a hole in the UPDATE policies that the SELECT policies hide.
 */
function updateProbes(target: Target, wide: boolean): readonly WriteProbe[] {
  const { arena, relation, role, row, filter } = target
  const { privileges, tenancy } = arena.facts
  const own = tenancy.tables.get(relation.oid)?.column
  const keyed = new Set(relation.indexes.filter((index) => index.unique).flatMap((index) => index.columns))
  const writable = relation.columns.filter(
    (column) =>
      column.generated === undefined &&
      column.identity !== 'always' &&
      privileges.onColumn(role.role.oid, relation, column, 'UPDATE'),
  )
  const columns = writable
    .filter((column) => column !== own)
    .sort((a, b) => Number(keyed.has(a.number)) - Number(keyed.has(b.number)) || a.number - b.number)
  const table = qualifiedName(relation)
  const probe = (key: string, sql: string, what: string): WriteProbe => ({
    key: `${relation.oid}/${key}`,
    sql,
    judge: `select ${PLACE} from ${table} where ${filter}`,
    relation,
    verb: 'update',
    what: `${what} changed the row of tenant B`,
    isControl: true,
    crossed: (answer, before) => answer.ok && answer.judged !== null && answer.judged !== before.place,
  })
  const readable = [...columns, ...writable].find((column) =>
    privileges.onColumn(role.role.oid, relation, column, 'SELECT'),
  )
  const [first] = columns
  const set = (column: Column) => `${quoteIdentifier(column.name)} = ${literal(row, column)}`
  // A unique index refuses one constant in two rows, so A's own row is deleted first.
  const alone = (column: Column) => (keyed.has(column.number) ? withoutRowOfA(target) : '')
  const blind = wide ? columns : columns.slice(0, 1)
  return [
    ...(readable === undefined
      ? []
      : [
          probe(
            'update',
            `update ${table} set ${quoteIdentifier(readable.name)} = ${quoteIdentifier(readable.name)}`,
            'UPDATE without WHERE',
          ),
        ]),
    ...blind.map((column) =>
      probe(
        `update ${column.number}`,
        `${alone(column)}update ${table} set ${set(column)}`,
        `UPDATE of ${column.name} to a constant, without WHERE,`,
      ),
    ),
    ...(wide && first !== undefined
      ? [
          probe(
            'merge update',
            `${alone(first)}merge into ${table} using (select 1) as s on true when matched then update set ${set(first)}`,
            'MERGE with UPDATE',
          ),
          ...onConflict(target, set(first)).map((sql) =>
            probe('on conflict', sql, 'INSERT with ON CONFLICT DO UPDATE'),
          ),
        ]
      : []),
  ]
}

/** INSERT … ON CONFLICT DO UPDATE of a row of tenant A with the primary key of B's row, which would update B's row. */
function onConflict({ arena, relation, role, row }: Target, set: string): readonly string[] {
  const { facts } = arena
  const tenant = facts.tenantTable(relation)?.column
  const primary = relation.constraints.find((constraint) => constraint.kind === 'primary-key')
  if (primary === undefined || tenant === undefined || primary.columns.includes(tenant.number)) return []
  const columns = relation.columns.filter(
    (column) =>
      column.generated === undefined &&
      column.identity !== 'always' &&
      facts.privileges.onColumn(role.role.oid, relation, column, 'INSERT'),
  )
  const key = relation.columns.filter((column) => primary.columns.includes(column.number))
  if (key.some((column) => !columns.includes(column))) return []
  const own = arena.planting.tenants.a.id
  const values = columns.map((column) =>
    column === tenant ? `${quoteLiteral(own)}::${column.type}` : literal(row, column),
  )
  const names = (list: readonly Column[]) => list.map((column) => quoteIdentifier(column.name)).join(', ')
  return [
    `insert into ${qualifiedName(relation)} (${names(columns)}) values (${values.join(', ')}) on conflict (${names(key)}) do update set ${set}`,
  ]
}

function withoutRowOfA({ arena, relation, role }: Target): string {
  const row = plantedRow(arena, relation, 'a')
  const filter = row === undefined ? undefined : rowFilter(relation, row, relation.columns)
  if (filter === undefined || !arena.facts.catalog.reader.superuser) return ''
  return `${asReplica(`delete from ${qualifiedName(relation)} where ${filter}`)}; ${becomeSql(arena.facts, role)}; `
}

/** Runs SQL as the planting role, with triggers and foreign keys turned off. */
function asReplica(sql: string): string {
  return `${AS_PLANTER}; set local session_replication_role = replica; ${sql}; set local session_replication_role = origin`
}

function deleteProbes({ arena, relation, role, filter }: Target, wide: boolean): readonly WriteProbe[] {
  const guarded = relation.triggers.some(
    (trigger) => trigger.events.includes('delete') && trigger.enabled !== 'disabled',
  )
  // Turn foreign keys off: they would refuse to delete a referenced row, and so hide that the policy allows the DELETE.
  const lift = arena.facts.catalog.reader.superuser && !guarded
  const before = lift
    ? `${AS_PLANTER}; set local session_replication_role = replica; ${becomeSql(arena.facts, role)}; `
    : ''
  const table = qualifiedName(relation)
  const probe = (key: string, sql: string, what: string): WriteProbe => ({
    key: `${relation.oid}/${key}`,
    sql: `${before}${sql}`,
    judge: `select count(*) from ${table} where ${filter}`,
    relation,
    verb: 'delete',
    what: `${what}${lift ? ', with triggers and foreign keys off,' : ''} removed the row of tenant B`,
    isControl: true,
    crossed: (answer) => answer.ok && answer.judged === '0',
  })
  return [
    probe('delete', `delete from ${table}`, 'DELETE without WHERE'),
    ...(wide
      ? [
          probe(
            'merge delete',
            `merge into ${table} using (select 1) as s on true when matched then delete`,
            'MERGE with DELETE',
          ),
        ]
      : []),
  ]
}

/**
 * Deletes B's row and inserts it again as tenant A. The values of this row are known to satisfy all constraints. Only a superuser can delete a
 * row that others refer to; for another planting role, a row like B's is inserted, with new values in unique columns.
 */
function insertProbe({ arena, relation, role, row, filter }: Target): WriteProbe | undefined {
  const { facts } = arena
  const { superuser } = facts.catalog.reader
  const mark = tenantMark(arena, relation, row)
  const insert = superuser
    ? insertSql(facts, relation, role, row)
    : variantInsert(arena, relation, 'b', role, new Map())
  if (mark === undefined || insert === undefined) return undefined
  const table = qualifiedName(relation)
  const cleared = superuser ? [asReplica(`delete from ${table} where ${filter}`), becomeSql(facts, role)] : []
  return {
    key: `${relation.oid}/insert`,
    sql: [...cleared, insert].join('; '),
    judge: `select count(*) from ${table} where ${mark}`,
    relation,
    verb: 'insert',
    what: 'INSERT stored a row of tenant B',
    isControl: true,
    // An INSERT into the table of tenants makes a new tenant, which is no crossing. It only serves as a control.
    isAttack: facts.tenantTable(relation)?.kind !== 'root',
    // If B's own row was deleted first, the table had one row less than in the baseline.
    crossed: (answer, before) =>
      answer.ok && answer.judged !== null && Number(answer.judged) > before.marked - (superuser ? 1 : 0),
  }
}

/**
 * Inserts a row of A's user with tenant B. Policies that test only the user refuse B's own row but accept this row. In a table of members,
 * this row makes A's user a member of B.
 */
function ownInsertProbe({ arena, relation, role, row }: Target): WriteProbe | undefined {
  const { facts } = arena
  const table = facts.tenantTable(relation)
  const own = arena.row(relation, 'a')
  const mark = tenantMark(arena, relation, row)
  if (mark === undefined || own === undefined || table === undefined || table.kind === 'root') return undefined
  const binding = bindingColumns(arena, relation)
  const asked = new Set(facts.tenancy.bindings.flatMap(({ columns }) => columns.map(({ column }) => column)))
  const overrides = new Map<Column, string | null>()
  for (const column of relation.columns) {
    if (binding.includes(column.name)) overrides.set(column, row.values[column.name] ?? null)
    else if (asked.has(column)) overrides.set(column, own.values[column.name] ?? null)
  }
  const sql = variantInsert(arena, relation, 'a', role, overrides)
  if (sql === undefined) return undefined
  return {
    key: `${relation.oid}/own insert`,
    sql,
    judge: `select count(*) from ${qualifiedName(relation)} where ${mark}`,
    relation,
    verb: 'insert',
    what: 'INSERT stored a row of its own user in tenant B',
    isControl: false,
    crossed: (answer, before) => answer.ok && answer.judged !== null && Number(answer.judged) > before.marked,
  }
}

/** An INSERT of the row with the columns that the role may write. Undefined if it may write none. */
export function insertSql(facts: Facts, relation: Relation, role: ActingRole, row: PlantedRow): string | undefined {
  const columns = relation.columns.filter(
    (column) =>
      column.generated === undefined &&
      column.identity !== 'always' &&
      facts.privileges.onColumn(role.role.oid, relation, column, 'INSERT'),
  )
  if (columns.length === 0) return undefined
  const values = columns.map((column) => literal(row, column))
  return `insert into ${qualifiedName(relation)} (${columns.map((column) => quoteIdentifier(column.name)).join(', ')}) values (${values.join(', ')})`
}

function moveProbe({ arena, relation, role, row }: Target): WriteProbe | undefined {
  const { facts } = arena
  const names = bindingColumns(arena, relation)
  const columns = relation.columns.filter((column) => names.includes(column.name))
  const mark = tenantMark(arena, relation, row)
  if (mark === undefined || columns.length === 0 || facts.tenantTable(relation)?.kind === 'root') return undefined
  if (columns.some((column) => !facts.privileges.onColumn(role.role.oid, relation, column, 'UPDATE'))) return undefined
  const table = qualifiedName(relation)
  return {
    key: `${relation.oid}/move`,
    sql: `update ${table} set ${columns.map((column) => `${quoteIdentifier(column.name)} = ${literal(row, column)}`).join(', ')}`,
    judge: `select count(*) from ${table} where ${mark}`,
    relation,
    verb: 'update',
    what: 'UPDATE moved a row of tenant A to tenant B',
    isControl: false,
    crossed: (answer, before) => answer.ok && answer.judged !== null && Number(answer.judged) > before.marked,
  }
}

function literal(row: PlantedRow, column: Column): string {
  const value = row.values[column.name]
  return value === undefined || value === null ? 'null' : `${quoteLiteral(value)}::${column.type}`
}
