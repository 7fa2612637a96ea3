import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import { lookupsOf } from '../../tenancy/lookups.ts'
import { readProbes } from '../attacks/read-across.ts'
import type { Arena, AttackLedger } from './arena.ts'
import type { PlantedRow, Side } from './planting.ts'
import { rowFilter } from './row-filters.ts'
import { type RowHints, rowHints } from './row-hints.ts'
import { victimRead } from './victim-read.ts'

/**
 * Changes planted rows that their own tenant does not see. Such a row gets the values that the policies test in addition to the tenant,
 * such as `status = 'active'`. The rows of both tenants are changed, and the change is kept if the tenant then sees its own row. Without
 * this, attacks would try rows that the policies show to nobody.
 */
export async function fitRows(arena: Arena, ledger: AttackLedger): Promise<void> {
  const { facts } = arena
  if (!facts.catalog.reader.superuser) return
  const lookups = lookupsOf(facts)
  const byLabel = new Map(facts.relations.map((relation) => [relation.label, relation]))
  for (const role of facts.acting.filter((acting) => !acting.bypasses))
    for (const { relation } of readProbes(arena, role, 'b')) {
      if (relation.isPartition || ledger.controls.of(relation, 'select', role).status !== 'dark') continue
      const hints = rowHints(facts, relation)
      const tables = [relation, ...lookups(relation.label).flatMap((label) => byLabel.get(label) ?? [])]
      if (await saidEnough(arena, ledger, relation, role, hints)) continue
      await giveValues(arena, relation, role, tables, hints)
    }
}

/** Whether the tenant sees its row after the further settings that the policies test were set, such as a locale or a second factor. */
async function saidEnough(
  arena: Arena,
  ledger: AttackLedger,
  relation: Relation,
  role: ActingRole,
  { said }: RowHints,
): Promise<boolean> {
  const read = victimRead(arena, relation, role)
  if (read === undefined || said.length === 0) return false
  const context = arena.contexts.b.saying(said)
  const answer = await arena.as(role, context, () => arena.session.text(read))
  if (!answer.ok || answer.value.count === 0) return false
  const names = said.map(({ use }) => [use.setting, ...use.path].join('->')).join(', ')
  ledger.controls.note(relation, 'select', role, { status: 'worked', needs: `${names} set beside the tenant` })
  ledger.needs.set(relation.oid, said)
  return true
}

async function giveValues(
  arena: Arena,
  relation: Relation,
  role: ActingRole,
  tables: readonly Relation[],
  { rows, said }: RowHints,
): Promise<void> {
  const { session } = arena
  const before = new Map(tables.map((table) => [table, bothSides(arena, table)]))
  await session.run('savepoint partywall_fit; set local session_replication_role = replica')
  for (const [column, { relation: table, sql }] of rows)
    if (tables.includes(table)) for (const side of ['a', 'b'] as const) await change(arena, table, side, column, sql)
  await session.run('set local session_replication_role = origin')
  for (const table of tables) for (const side of ['a', 'b'] as const) await refresh(arena, table, side)
  const read = victimRead(arena, relation, role)
  const seen =
    read === undefined
      ? false
      : await arena.as(role, arena.contexts.b.saying(said), async () => (await session.text(read)).count > 0)
  if (seen !== false && seen.ok && seen.value) {
    await session.run('release savepoint partywall_fit')
    return
  }
  await session.run('rollback to savepoint partywall_fit; release savepoint partywall_fit')
  for (const [table, sides] of before)
    for (const side of ['a', 'b'] as const) {
      const row = sides[side]
      if (row !== undefined) arena.planting.put(table, row)
    }
}

function bothSides(arena: Arena, table: Relation): Readonly<Record<Side, PlantedRow | undefined>> {
  return { a: arena.row(table, 'a'), b: arena.row(table, 'b') }
}

/** Sets a column of a planted row. The WHERE condition compares all columns of the row. Columns of the primary key are not changed. */
async function change(arena: Arena, table: Relation, side: Side, column: Column, sql: string): Promise<void> {
  const row = arena.row(table, side)
  const filter = row === undefined ? undefined : rowFilter(table, row, table.columns)
  if (row === undefined || filter === undefined || keyColumns(table).has(column.number)) return
  const { session } = arena
  await session.run('savepoint partywall_change')
  const text = `update ${qualifiedName(table)} set ${quoteIdentifier(column.name)} = ${sql} where ${filter}`
  const done = await session.run(text).then(
    () => true,
    () => false, // a CHECK, an enum or a unique index refused the value: the row stays as it is
  )
  await session.run(`${done ? '' : 'rollback to savepoint partywall_change; '}release savepoint partywall_change`)
  if (done) await refresh(arena, table, side)
}

function keyColumns(table: Relation): ReadonlySet<number> {
  return new Set(table.constraints.filter(({ kind }) => kind === 'primary-key').flatMap(({ columns }) => columns))
}

async function refresh(arena: Arena, table: Relation, side: Side): Promise<void> {
  const row = arena.row(table, side)
  const primary = keyColumns(table)
  const key = table.columns.filter((column) => primary.has(column.number))
  const filter = row === undefined ? undefined : rowFilter(table, row, key.length > 0 ? key : table.columns)
  if (row === undefined || filter === undefined) return
  const { rows } = await arena.session.text(
    `select t::text as partywall_row, t.* from ${qualifiedName(table)} as t where ${filter}`,
  )
  const [now] = rows
  if (now === undefined) return
  const { partywall_row: text, ...values } = now
  arena.planting.put(table, { side, values, text: text ?? '' })
}
