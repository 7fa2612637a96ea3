import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Arena } from '../attack/arena.ts'
import type { BatchAnswer, BatchProbe } from '../attack/batch.ts'
import type { AttackContext } from '../attack/contexts.ts'
import type { PlantedRow } from '../attack/plant.ts'
import { plantedRow } from '../attack/row-filters.ts'
import type { Attack } from '../attack.ts'
import type { ActingRole } from '../facts.ts'
import type { Verb } from '../finding.ts'
import { blameForCrossing } from './blame.ts'
import { whyNotPlanted } from './read-across.ts'
import { type Baseline, baselines, bindingColumns, PLACE, tenantMark, victimRow } from './victim-row.ts'

/**
 * Writes blindly into every table: UPDATE and DELETE without WHERE and RETURNING, which need no SELECT policy; a row for the
 * other tenant; and one's own row moved to it. What happened to the other tenant's row is looked at as the planting role.
 */
export const writeAcross: Attack = {
  name: 'write-across',
  title: 'updates, deletes, inserts and moves rows of another tenant, blindly',
  rules: ['rls-disabled', 'policy-command-gap', 'policy-check-lax', 'policy-always-true'],
  passes: ['set', 'never-set'],
  async run(arena) {
    const { facts } = arena
    const tried = new Set<string>()
    const crossed = new Set<string>()
    const before = await baselines(arena)
    for (const role of facts.acting.filter((acting) => !acting.bypasses)) {
      for (const context of arena.attackers) {
        const probes = facts.relations
          .flatMap((relation) => (before.has(relation.oid) ? writeProbes(arena, relation, role) : []))
          .filter(({ relation, verb }) => arena.worthTrying(relation, verb, role, context))
        const answers = await arena.batch(role, context, probes)
        for (const probe of probes) {
          const answer = answers.get(probe.key)
          const baseline = before.get(probe.relation.oid)
          if (answer === undefined || baseline === undefined) continue
          const key = `${probe.relation.oid}/${probe.verb}`
          tried.add(key)
          if (!probe.crossed(answer, baseline)) continue
          crossed.add(key)
          reportWrite(arena, probe, role, context)
        }
      }
    }
    for (const relation of facts.relations) {
      if (facts.tenantTable(relation) === undefined) continue
      for (const verb of ['insert', 'update', 'delete'] as const) {
        const key = `${relation.oid}/${verb}`
        if (tried.has(key) && !crossed.has(key)) arena.held(relation, verb)
        else if (!tried.has(key)) arena.notTried(relation, verb, whyNotTried(arena, relation))
      }
    }
  },
}

function whyNotTried(arena: Arena, relation: Relation): string {
  if (plantedRow(arena, relation, 'b') === undefined) return whyNotPlanted(arena, relation)
  return 'the planting role can’t put a row in another tenant’s place, or see it there'
}

interface WriteProbe extends BatchProbe {
  readonly relation: Relation
  readonly verb: Verb
  readonly what: string
  readonly crossed: (answer: BatchAnswer, before: Baseline) => boolean
}

function writeProbes(arena: Arena, relation: Relation, role: ActingRole): readonly WriteProbe[] {
  const { facts } = arena
  if (facts.tenantTable(relation) === undefined || relation.kind === 'foreign-table') return []
  const victim = victimRow(arena, relation)
  if (victim === undefined) return []
  const may = (privilege: 'INSERT' | 'UPDATE' | 'DELETE') =>
    facts.privileges.onRelation(role.role.oid, relation, privilege)
  return [
    ...(may('UPDATE') ? [updateProbe(arena, relation, role, victim.filter)] : []),
    ...(may('DELETE') ? [deleteProbe(arena, relation, role, victim.filter)] : []),
    ...(may('INSERT') ? [insertProbe(arena, relation, role, victim)] : []),
    ...(may('UPDATE') ? [moveProbe(arena, relation, role, victim.row)] : []),
  ].flatMap((probe) => probe ?? [])
}

function updateProbe(arena: Arena, relation: Relation, role: ActingRole, filter: string): WriteProbe | undefined {
  const { facts } = arena
  const own = facts.tenantTable(relation)?.column
  const column = relation.columns.find(
    (candidate) =>
      candidate !== own &&
      candidate.generated === undefined &&
      candidate.identity !== 'always' &&
      facts.privileges.onColumn(role.role.oid, relation, candidate, 'UPDATE'),
  )
  if (column === undefined) return undefined
  const name = quoteIdentifier(column.name)
  // c = c would need the right to read c; a constant does not.
  const readable = facts.privileges.onColumn(role.role.oid, relation, column, 'SELECT')
  return {
    key: `${relation.oid}/update`,
    sql: `update ${qualifiedName(relation)} set ${name} = ${readable ? name : 'default'}`,
    judge: `select ${PLACE} from ${qualifiedName(relation)} where ${filter}`,
    relation,
    verb: 'update',
    what: 'UPDATE without WHERE changed the row of tenant B',
    crossed: (answer, before) => answer.ok && answer.judged !== null && answer.judged !== before.place,
  }
}

function deleteProbe(arena: Arena, relation: Relation, role: ActingRole, filter: string): WriteProbe {
  const guarded = relation.triggers.some(
    (trigger) => trigger.events.includes('delete') && trigger.enabled !== 'disabled',
  )
  // Rows that others refer to can't be deleted, which would hide that the policy let the row through.
  const lift = arena.facts.catalog.reader.superuser && !guarded
  const before = lift
    ? `set local role none; set local session_replication_role = replica; set local role ${quoteIdentifier(role.role.name)}; `
    : ''
  return {
    key: `${relation.oid}/delete`,
    sql: `${before}delete from ${qualifiedName(relation)}`,
    judge: `select count(*) from ${qualifiedName(relation)} where ${filter}`,
    relation,
    verb: 'delete',
    what: 'DELETE without WHERE removed the row of tenant B',
    crossed: (answer) => answer.ok && answer.judged === '0',
  }
}

/** Puts B's own row back in B's place, as A: the values are known to fit. */
function insertProbe(
  arena: Arena,
  relation: Relation,
  role: ActingRole,
  victim: { readonly row: PlantedRow; readonly filter: string },
): WriteProbe | undefined {
  const { facts } = arena
  if (!facts.catalog.reader.superuser) return undefined
  const columns = relation.columns.filter(
    (column) =>
      column.generated === undefined &&
      column.identity !== 'always' &&
      facts.privileges.onColumn(role.role.oid, relation, column, 'INSERT'),
  )
  const mark = tenantMark(arena, relation, victim.row)
  if (mark === undefined || columns.length === 0) return undefined
  const table = qualifiedName(relation)
  const values = columns.map((column) => literal(victim.row, column))
  return {
    key: `${relation.oid}/insert`,
    sql: [
      `set local role none`,
      `set local session_replication_role = replica`,
      `delete from ${table} where ${victim.filter}`,
      `set local session_replication_role = origin`,
      `set local role ${quoteIdentifier(role.role.name)}`,
      `insert into ${table} (${columns.map((column) => quoteIdentifier(column.name)).join(', ')}) values (${values.join(', ')})`,
    ].join('; '),
    judge: `select count(*) from ${table} where ${mark}`,
    relation,
    verb: 'insert',
    what: 'INSERT stored a row of tenant B',
    // B's own row was taken out first.
    crossed: (answer, before) => answer.ok && answer.judged !== null && Number(answer.judged) > before.marked - 1,
  }
}

function moveProbe(arena: Arena, relation: Relation, role: ActingRole, row: PlantedRow): WriteProbe | undefined {
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
    crossed: (answer, before) => answer.ok && answer.judged !== null && Number(answer.judged) > before.marked,
  }
}

function literal(row: PlantedRow, column: Column): string {
  const value = row.values[column.name]
  return value === undefined || value === null ? 'null' : `${quoteLiteral(value)}::${column.type}`
}

function reportWrite(arena: Arena, probe: WriteProbe, role: ActingRole, context: AttackContext): void {
  arena.report({
    ...blameForCrossing(arena.facts, probe.relation, probe.verb, role, context),
    object: probe.relation.label,
    generic: true,
    verbs: [probe.verb],
    tables: [probe.relation.label],
    message: `Rows of another tenant can be written in ${probe.relation.label}.`,
    evidence: [`as ${role.path.join(' → ')}, ${context.name}: ${probe.what}`],
  })
}
