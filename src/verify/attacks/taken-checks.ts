import type { Column, Constraint, Relation } from '../../catalog/model.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { valueMaker } from '../attack/plant-values.ts'
import { variantInsert } from '../attack/variant-row.ts'
import { draftsOf } from '../finding/drafts.ts'
import { checkFunctionCrosses } from '../rules/check-function-crosses.ts'

/** check_violation and exclusion_violation. */
const REFUSED = ['23514', '23P01']

/**
 * Writes a value that only B has, and a new value, as A. If a constraint refuses only the value that B has, the refusal reveals that B has
 * it.
 */
export const takenChecks: Attack = {
  name: 'taken-checks',
  title: 'uses CHECK constraints over all rows to find out which values another tenant has',
  needs: 'a CHECK constraint whose function looks at the rows of all tenants',
  rules: ['check-function-crosses'],
  async run(arena) {
    const { facts } = arena
    for (const draft of draftsOf(checkFunctionCrosses, facts)) {
      const relation = facts.relations.find((each) => each.label === draft.object)
      const constraint = relation?.constraints.find((each) => each.name === draft.detail)
      if (relation === undefined || constraint === undefined) continue
      const seen = await ask(arena, relation, constraint)
      if (seen !== undefined) arena.report({ ...draft, rule: 'check-function-crosses', evidence: [seen] })
    }
  },
}

async function ask(arena: Arena, relation: Relation, constraint: Constraint): Promise<string | undefined> {
  const { facts } = arena
  const tenant = facts.tenantTable(relation)?.column
  const victim = arena.row(relation, 'b')
  const columns = relation.columns.filter(
    (column) =>
      constraint.columns.includes(column.number) &&
      column !== tenant &&
      column.generated === undefined &&
      typeof victim?.values[column.name] === 'string',
  )
  if (columns.length === 0) return undefined
  const taken = new Map(columns.map((column) => [column, victim?.values[column.name] ?? null]))
  const fresh = await freshValues(arena, relation, columns)
  for (const role of facts.reach(relation, 'INSERT')) {
    const control = await insert(arena, relation, role, fresh)
    // Control: the row with a new value must be accepted, or the refusal reveals nothing.
    if (control !== 'accepted' || (await insert(arena, relation, role, taken)) !== constraint.name) continue
    const names = columns.map((column) => column.name).join(', ')
    return `as ${role.path.join(' → ')}, tenant A: INSERT with tenant B's ${names} was refused by ${constraint.name}, with a new value it was accepted`
  }
  return undefined
}

async function freshValues(
  arena: Arena,
  relation: Relation,
  columns: readonly Column[],
): Promise<ReadonlyMap<Column, string | null>> {
  const maker = valueMaker(arena.facts.catalog, arena.facts.sql)
  const made = new Map<Column, string | null>()
  for (const column of columns) {
    const sql = maker.value(relation, column, 990_000 + column.number, `pwfresh${column.number}`)
    if (sql === undefined) continue
    const value = await arena.session.text(`select (${sql})::text as value`)
    made.set(column, value.rows[0]?.['value'] ?? null)
  }
  return made
}

async function insert(
  arena: Arena,
  relation: Relation,
  role: ActingRole,
  overrides: ReadonlyMap<Column, string | null>,
): Promise<string | undefined> {
  const sql = variantInsert(arena, relation, 'a', role, overrides)
  if (sql === undefined) return undefined
  const answer = await arena.as(role, arena.contexts.a, () => arena.session.run(sql))
  if (answer.ok) return 'accepted'
  return REFUSED.includes(answer.error.code) ? answer.error.constraint : undefined
}
