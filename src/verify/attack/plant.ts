import type { Column, Oid, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { drawnSince, readLastValues } from './drawn-sequences.ts'
import { partitionLiterals } from './partition-literals.ts'
import { repairs } from './plant-repair.ts'
import { type ValueMaker, valueMaker } from './plant-values.ts'
import { type Draft, firstSerial, type PlantedRow, type PlantedTenant, type Planting, type Side } from './planting.ts'
import { plantingOrder } from './planting-order.ts'
import type { AttackSession, Probe, ProbeError } from './session.ts'
import type { SessionKeys } from './session-keys.ts'
import { chooseTenantIds } from './tenant-ids.ts'

interface PlantOptions {
  readonly facts: Facts
  readonly session: AttackSession
  /**
   * SQL that sets the context for planting. Used only after an INSERT without a context failed, because triggers or policies may require a
   * context.
   */
  readonly contextSql: ((side: Side, tenantId: string) => string) | undefined
  /** Makes the planted values differ from those of another run on this database. */
  readonly nonce: string
  /** The user of each side. */
  readonly keys: SessionKeys
  /** An earlier planting in the same transaction. Only tables that it could not plant are tried again. */
  readonly before?: Planting
}

/** Plants two rows, one for each of two new tenants, in every table that can hold them. Parent tables come first. */
export async function plant(options: PlantOptions): Promise<Planting> {
  const { facts, nonce, session } = options
  const sequences = await readLastValues(session)
  const maker = valueMaker(facts.catalog, facts.sql)
  const tenants = options.before?.tenants ?? (await makeTenants(options))
  const rows = new Map<Oid, Partial<Record<Side, PlantedRow>>>()
  const failures = new Map<Oid, string>()
  const stalled = new Set<Oid>(options.before?.stalled)
  for (const oid of stalled) failures.set(oid, options.before?.failures.get(oid) ?? '')
  let serial = firstSerial(nonce)
  for (const relation of plantingOrder(facts.relations)) {
    const planted: Partial<Record<Side, PlantedRow>> = { ...options.before?.rows.get(relation.oid) }
    for (const side of ['a', 'b'] as const) {
      serial += 50
      if (planted[side] !== undefined || stalled.has(relation.oid)) continue
      const tenant = ownerOf(facts, relation, tenants[side])
      const result = await plantRow({ ...options, maker, relation, side, tenant, rows, serial })
      if (result.ok) planted[side] = result.value
      else {
        failures.set(relation.oid, result.error.message)
        if (isTimeOut(result.error)) stalled.add(relation.oid)
      }
    }
    // Planting timed out: drop the rows of both sides. An attack needs both, and each further statement on this table would wait as long.
    if (stalled.has(relation.oid)) for (const side of ['a', 'b'] as const) delete planted[side]
    rows.set(relation.oid, planted)
  }
  const drawn = drawnSince(sequences, await readLastValues(session))
  return {
    nonce,
    tenants,
    rows,
    failures,
    stalled,
    drawn: new Map([...drawn, ...wasDrawn(options.before, drawn)]),
    row: (relation, side) => rows.get(relation.oid)?.[side],
    put: (relation, row) => rows.set(relation.oid, { ...rows.get(relation.oid), [row.side]: row }),
  }
}

/** The sequences from which an earlier planting drew, with their current values. */
function wasDrawn(before: Planting | undefined, now: Planting['drawn']): Planting['drawn'] {
  return new Map(
    [...now].flatMap(([oid, sequence]) =>
      before?.drawn.get(oid)?.byPlanting === true ? [[oid, { ...sequence, byPlanting: true }] as const] : [],
    ),
  )
}

/** Tables without a tenant get a different canary, so that reading such a table is not mistaken for reading B's data. */
function ownerOf(facts: Facts, relation: Relation, tenant: PlantedTenant): PlantedTenant {
  if (facts.tenantTable(relation) !== undefined) return tenant
  return { ...tenant, canary: tenant.canary.replace('canary', 'shared') }
}

interface RowInput extends PlantOptions {
  readonly maker: ValueMaker
  readonly relation: Relation
  readonly side: Side
  readonly tenant: PlantedTenant
  readonly rows: ReadonlyMap<Oid, Partial<Record<Side, PlantedRow>>>
  readonly serial: number
}

async function plantRow(input: RowInput): Promise<Probe<PlantedRow>> {
  const full = draftRow(input, 'full')
  let answer = await insert(input, full, '')
  if (answer.ok || isTimeOut(answer.error)) return answer
  let first = answer
  const context = input.contextSql?.(input.side, input.tenant.id)
  if (context !== undefined) {
    answer = await insert(input, full, context)
    if (answer.ok || isTimeOut(answer.error)) return answer
    first = answer
  }
  const before = context ?? ''
  for (const draft of repairs(input.maker, input.relation, full, draftRow(input, 'needed'), {
    ...input,
    tenantColumn: input.facts.tenantTable(input.relation)?.column,
  })) {
    answer = await insert(input, draft(answer.ok ? undefined : answer.error), before)
    if (answer.ok || isTimeOut(answer.error)) return answer
  }
  if (!input.facts.catalog.reader.superuser) return first
  // session_replication_role = replica turns off triggers and foreign keys. CHECK and NOT NULL still apply.
  answer = await insert(input, full, `${before}set local session_replication_role = replica;`)
  return answer.ok ? answer : first
}

async function insert(input: RowInput, draft: Draft, before: string): Promise<Probe<PlantedRow>> {
  const { session, relation, side } = input
  const columns = [...draft.keys()]
  const overriding = columns.some((column) => column.identity === 'always') ? ' overriding system value' : ''
  const list = columns.map((column) => quoteIdentifier(column.name)).join(', ')
  const body =
    columns.length === 0 ? 'default values' : `(${list})${overriding} values (${[...draft.values()].join(', ')})`
  const alias = 'partywall_planted'
  const sql = `insert into ${qualifiedName(relation)} as ${alias} ${body} returning ${alias}::text as partywall_row, ${alias}.*`
  await session.run(`savepoint partywall_plant;${before}`)
  try {
    const result = await session.text(sql)
    const row = result.rows[0]
    if (row === undefined) throw new NoRowError(`the INSERT stored no row`)
    const { partywall_row: text, ...values } = row
    // Reset the settings of `before`: releasing the savepoint would keep them for the rest of the transaction.
    if (before !== '') await session.run(resetSql(before))
    await session.run('release savepoint partywall_plant')
    return { ok: true, value: { side, values, text: text ?? '' } }
  } catch (error) {
    await session.run('rollback to savepoint partywall_plant; release savepoint partywall_plant')
    return { ok: false, error: asProbeError(error) }
  }
}

class NoRowError extends Error {}

/** Whether the INSERT timed out, such as by a lock or a slow trigger. Another value would not help and would wait just as long. */
function isTimeOut({ code }: ProbeError): boolean {
  return code === '55P03' || code === '57014'
}

function asProbeError(error: unknown): ProbeError {
  if (error instanceof NoRowError)
    return {
      code: '',
      message: error.message,
      constraint: undefined,
      column: undefined,
      dataType: undefined,
      text: error.message,
    }
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') throw error
  const read = (name: string) => {
    const value = Object.entries(error).find(([key]) => key === name)?.[1]
    return typeof value === 'string' ? value : undefined
  }
  return {
    code: error.code,
    message: error.message,
    constraint: read('constraint'),
    column: read('column'),
    dataType: read('dataType'),
    text: error.message,
  }
}

function resetSql(before: string): string {
  const names = [...before.matchAll(/set_config\('([^']+)'/g)].map((match) => match[1] ?? '')
  const replica = before.includes('session_replication_role') ? 'set local session_replication_role = origin;' : ''
  return `${names.map((name) => `select pg_catalog.set_config(${quoteLiteral(name)}, '', true);`).join('')}${replica}select 1`
}

/** A draft of the row: `full` sets all columns that have no default, `needed` only those that are NOT NULL. */
function draftRow(input: RowInput, mode: 'full' | 'needed'): Draft {
  const { facts, relation, maker, tenant, serial, side, rows } = input
  const draft = new Map<Column, string>()
  const table = facts.tenantTable(relation)
  const partition = partitionLiterals(facts.catalog, relation)
  let at = serial
  for (const column of relation.columns) {
    at += 1
    if (column.generated !== undefined) continue
    if (table?.column === column) {
      draft.set(column, `${quoteLiteral(tenant.id)}::${column.type}`)
      continue
    }
    const literal = partition.get(column.name)
    if (literal !== undefined) {
      draft.set(column, `${literal}::${column.type}`)
      continue
    }
    const key = input.keys.value(column, side, tenant.id)
    if (key !== undefined) {
      draft.set(column, key)
      continue
    }
    if (column.identity !== undefined || column.default !== undefined) continue
    if (mode === 'needed' && !column.notNull) continue
    const value = maker.value(relation, column, at, tenant.canary)
    if (value !== undefined) draft.set(column, value)
  }
  for (const constraint of relation.constraints) {
    const references = constraint.references
    if (references === undefined) continue
    const parent = rows.get(references.relation)?.[side]
    const target = facts.relationOf(references.relation)
    constraint.columns.forEach((number, position) => {
      const column = relation.columns.find((candidate) => candidate.number === number)
      const parentColumn = target?.columns.find((candidate) => candidate.number === references.columns[position])
      if (
        column === undefined ||
        parentColumn === undefined ||
        column === table?.column ||
        column.generated !== undefined
      )
        return
      const value = parent?.values[parentColumn.name]
      if (value !== undefined && value !== null) draft.set(column, `${quoteLiteral(value)}::${column.type}`)
      else if (!column.notNull && !(references.relation === relation.oid && draft.has(parentColumn)))
        draft.delete(column)
      else if (references.relation === relation.oid) draft.set(column, draft.get(parentColumn) ?? 'null')
    })
  }
  return draft
}

async function makeTenants({ facts, session, nonce }: PlantOptions): Promise<Planting['tenants']> {
  const [a, b] = await chooseTenantIds(facts, session, nonce)
  return { a: makeTenant('a', a, nonce), b: makeTenant('b', b, nonce) }
}

function makeTenant(side: Side, id: string, nonce: string): PlantedTenant {
  return { side, canary: `pw${nonce}canary${side.toUpperCase()}`, id }
}
