import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Arena } from '../attack/arena.ts'
import type { AttackContext } from '../attack/contexts.ts'
import type { PlantedRow, Side } from '../attack/plant.ts'
import type { Attack } from '../attack.ts'
import type { ActingRole } from '../facts.ts'
import { blameForCrossing } from './blame.ts'

/** Reads every table that is bound to a tenant as every role: what is seen of the other tenant crossed. */
export const readAcross: Attack = {
  name: 'read-across',
  title: 'reads each table as another tenant, and without a tenant',
  rules: ['rls-disabled', 'policy-always-true', 'policy-fail-open', 'partition-exposed', 'untenanted-child'],
  passes: ['set', 'never-set'],
  async run(arena) {
    for (const relation of arena.facts.relations) {
      if (arena.facts.tenantTable(relation) === undefined) continue
      await readTable(arena, relation)
    }
  },
}

async function readTable(arena: Arena, relation: Relation): Promise<void> {
  const roles = arena.facts.reach(relation, 'SELECT')
  if (roles.length === 0) return
  const target = plantedIn(arena, relation)
  if (target === undefined) {
    arena.notTried(
      relation,
      'select',
      `no row could be planted: ${arena.planting.failures.get(relation.oid) ?? 'unknown'}`,
    )
    return
  }
  let crossed = false
  for (const role of roles) {
    for (const context of arena.attackers) {
      const victims: readonly Side[] = context.tenant === 'a' ? ['b'] : ['a', 'b']
      for (const victim of victims) {
        const row = target(victim)
        if (row === undefined) continue
        if (await seesRow(arena, relation, role, context, row)) {
          crossed = true
          reportRead(arena, relation, role, context, victim)
        }
      }
    }
  }
  if (!crossed) arena.held(relation, 'select')
}

/** A partition holds the row that was planted through its root; which partition that is, the row's own tableoid would say. */
function plantedIn(arena: Arena, relation: Relation): ((side: Side) => PlantedRow | undefined) | undefined {
  let table: Relation | undefined = relation
  while (table?.isPartition === true) table = arena.facts.relationOf(table.parents[0] ?? 0)
  if (table === undefined) return undefined
  const root = table
  return arena.row(root, 'b') === undefined ? undefined : (side) => arena.row(root, side)
}

/** True when the role sees this very row in this context. */
export async function seesRow(
  arena: Arena,
  relation: Relation,
  role: ActingRole,
  context: AttackContext,
  row: PlantedRow,
): Promise<boolean> {
  const { facts, session } = arena
  const readable = relation.columns.filter((column) =>
    facts.privileges.onColumn(role.role.oid, relation, column, 'SELECT'),
  )
  // A filter on what identifies the row; a whole-row comparison would need every column's privilege.
  const key = identifying(relation).filter((column) => readable.includes(column))
  const filters = (key.length > 0 ? key : readable).flatMap((column) => {
    const value = row.values[column.name]
    if (value === undefined) return []
    const name = quoteIdentifier(column.name)
    return value === null ? [`${name} is null`] : [`${name}::text = ${quoteLiteral(value)}`]
  })
  if (filters.length === 0) return false
  const answer = await arena.as(role, context, () =>
    session.text(`select count(*) as seen from ${qualifiedName(relation)} where ${filters.join(' and ')}`),
  )
  return answer.ok && answer.value.rows[0]?.['seen'] !== '0'
}

/** The primary key's columns, and the tenant's: the same key may exist for two tenants. */
function identifying(relation: Relation) {
  const primary = relation.constraints.find((constraint) => constraint.kind === 'primary-key')
  return relation.columns.filter((column) => primary?.columns.includes(column.number) === true)
}

function reportRead(arena: Arena, relation: Relation, role: ActingRole, context: AttackContext, victim: Side): void {
  const blame = blameForCrossing(arena.facts, relation, 'select', role, context)
  arena.report({
    ...blame,
    object: relation.label,
    generic: true,
    verbs: ['select'],
    tables: [relation.label],
    message: `Rows of another tenant can be read from ${relation.label}.`,
    evidence: [
      `as ${role.path.join(' → ')}, ${context.name}: SELECT returned the planted row of tenant ${victim.toUpperCase()}`,
    ],
  })
}
