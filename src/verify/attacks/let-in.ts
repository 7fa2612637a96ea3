import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { nameRows } from '../attack/name-rows.ts'
import { rowFilter } from '../attack/row-filters.ts'
import { literal, variantInsert } from '../attack/variant-row.ts'
import { draftsOf } from '../finding/drafts.ts'
import { policyTrustsUnprotectedTable } from '../rules/policy-trusts-unprotected-table.ts'

/** Writes the lookup table that a policy queries, so that it gives A access, and then reads B's rows. */
export const letIn: Attack = {
  name: 'let-in',
  title: 'makes itself a member of another tenant, or moves a parent row to its own',
  needs: 'a policy that queries a table which a role in reach may change',
  rules: ['policy-trusts-unprotected-table'],
  async run(arena) {
    const { facts } = arena
    await nameRows(arena)
    for (const draft of draftsOf(policyTrustsUnprotectedTable, facts)) {
      if (draft.detail !== undefined) continue
      const lookup = facts.relations.find((relation) => relation.label === draft.object)
      const targets = facts.relations.filter((relation) => draft.tables?.includes(relation.label))
      if (lookup === undefined) continue
      for (const role of facts.acting.filter((acting) => !acting.bypasses)) {
        const seen = await enter(arena, lookup, targets, role)
        if (seen === undefined) continue
        arena.report({
          rule: 'policy-trusts-unprotected-table',
          object: draft.object,
          verbs: ['select'],
          tables: draft.tables ?? [],
          message: `One tenant lets itself into another through ${draft.object}.`,
          cells: [{ object: seen.target.label, verb: 'select' }],
          evidence: [seen.how],
          fix: draft.fix,
        })
      }
    }
  },
}

async function enter(
  arena: Arena,
  lookup: Relation,
  targets: readonly Relation[],
  role: ActingRole,
): Promise<{ readonly target: Relation; readonly how: string } | undefined> {
  const { facts, session } = arena
  const column = facts.tenantTable(lookup)?.column
  if (column === undefined) return undefined
  const { a, b } = arena.planting.tenants
  const writes = [
    ...(facts.privileges.onColumn(role.role.oid, lookup, column, 'UPDATE')
      ? [`update ${qualifiedName(lookup)} set ${quoteIdentifier(column.name)} = ${literal(column, a.id)}`]
      : []),
    variantInsert(arena, lookup, 'a', role, new Map([[column, b.id]])),
  ]
  for (const target of targets) {
    const row = arena.row(target, 'b')
    const readable = target.columns.filter((each) => facts.privileges.onColumn(role.role.oid, target, each, 'SELECT'))
    const filter = row === undefined ? undefined : rowFilter(target, row, readable)
    if (filter === undefined) continue
    for (const write of writes) {
      if (write === undefined) continue
      const read = `select 1 from ${qualifiedName(target)} where ${filter}`
      const answer = await arena.as(role, arena.contexts.a, async () => {
        // Control: if the row is visible before the write, this attack is not the cause.
        if ((await session.text(read)).count > 0) return false
        await session.run(write)
        return (await session.text(read)).count > 0
      })
      if (answer.ok && answer.value)
        return {
          target,
          how: `as ${role.path.join(' → ')}, tenant A: after ${write.startsWith('update') ? 'UPDATE' : 'INSERT'} on ${lookup.label} the planted row of tenant B was read from ${target.label}`,
        }
    }
  }
  return undefined
}
