import type { DatabaseFunction, Relation } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { literal } from '../attack/variant-row.ts'
import { victimRead } from '../attack/victim-read.ts'
import { draftsOf } from '../finding/drafts.ts'
import { unqualifiedTables } from '../readings/policy-functions.ts'
import { policyFunctionSearchPath } from '../rules/policy-function-search-path.ts'

/** Maximum number of columns of one table whose values are mixed. Each further column doubles the number of rows. */
const MOST_MIXED = 6

/** Creates temporary tables with the names of tables that helper functions of the policies query, and reads B's rows. */
export const shadowTables: Attack = {
  name: 'shadow-tables',
  title: 'hides the tables that policies’ functions query behind temporary ones with the attacker’s rows',
  needs:
    'a policy function that looks tables up in the caller’s search_path, and a role in reach that may create temporary tables',
  rules: ['policy-function-search-path'],
  async run(arena) {
    const { facts } = arena
    for (const draft of draftsOf(policyFunctionSearchPath, facts)) {
      const fn = facts.functions.find((each) => each.label === draft.object)
      const tables = facts.relations.filter((relation) => draft.tables?.includes(relation.label))
      for (const role of facts.acting) {
        if (fn === undefined || role.bypasses || !facts.privileges.onDatabase(role.role.oid, 'TEMPORARY')) continue
        const seen = await shadow(arena, fn, tables, role)
        if (seen === undefined) continue
        arena.report({ ...draft, rule: 'policy-function-search-path', tables: [seen.table], evidence: [seen.how] })
        break
      }
    }
  },
}

async function shadow(
  arena: Arena,
  fn: DatabaseFunction,
  tables: readonly Relation[],
  role: ActingRole,
): Promise<{ readonly table: string; readonly how: string } | undefined> {
  const { facts, session, contexts } = arena
  const names = unqualifiedTables(facts, fn)
  const shadows = names.flatMap((name) => {
    const relation = facts.relationNamed(undefined, name)
    return relation === undefined ? [] : (shadowSql(arena, relation) ?? [])
  })
  if (shadows.length === 0) return undefined
  for (const relation of tables) {
    const read = victimRead(arena, relation, role)
    if (read === undefined || !facts.reach(relation, 'SELECT').includes(role)) continue
    const answer = await arena.as(role, contexts.a, async () => {
      // Control: if the row is visible without the temporary table, this attack is not the cause.
      if ((await session.text(read)).count > 0) return false
      for (const sql of shadows) await session.run(sql)
      return (await session.text(read)).count > 0
    })
    if (answer.ok && answer.value)
      return {
        table: relation.label,
        how: `as ${role.path.join(' → ')}, tenant A: with a temporary table ${names.join(', ')} of its own it read the planted row of tenant B in ${relation.label}`,
      }
  }
  return undefined
}

/** A temporary table of this name with every combination of A's and B's values, such as a row that makes A a member of B. */
function shadowSql(arena: Arena, relation: Relation): string | undefined {
  const [own, other] = [arena.row(relation, 'a'), arena.row(relation, 'b')]
  if (own === undefined || other === undefined) return undefined
  let rows: readonly (readonly string[])[] = [[]]
  let mixed = 0
  for (const column of relation.columns) {
    const [a = null, b = null] = [own.values[column.name], other.values[column.name]]
    const differ = a !== b && mixed < MOST_MIXED
    if (differ) mixed += 1
    const values = differ ? [literal(column, a), literal(column, b)] : [literal(column, b)]
    rows = values.flatMap((value) => rows.map((row) => [...row, value]))
  }
  const columns = relation.columns.map((column) => `${quoteIdentifier(column.name)} ${column.type}`)
  const name = `pg_temp.${quoteIdentifier(relation.name)}`
  return `create temporary table ${quoteIdentifier(relation.name)} (${columns.join(', ')}); grant all on ${name} to public; insert into ${name} values ${rows.map((row) => `(${row.join(', ')})`).join(', ')}`
}
