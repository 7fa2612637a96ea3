import type { DatabaseFunction, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { filler } from '../attack/call-arguments.ts'
import { crosses } from '../attack/crosses.ts'
import { isHarmless } from '../attack/harmless.ts'
import { markersOf } from '../attack/markers.ts'
import { draftsOf } from '../finding/drafts.ts'
import { leakproofFalse } from '../rules/leakproof-false.ts'

/** Maximum number of tables that one function is tried on. */
const MOST_TABLES = 12

/** Filters with functions that are marked LEAKPROOF, and looks for B's values in their notices and errors. */
export const leakyFunctions: Attack = {
  name: 'leaky-functions',
  title: 'filters with LEAKPROOF functions, which the planner may run before the policies',
  needs: 'a function that is marked LEAKPROOF',
  rules: ['leakproof-false'],
  async run(arena) {
    const { facts } = arena
    for (const draft of draftsOf(leakproofFalse, facts)) {
      const fn = facts.functions.find((each) => each.label === draft.object)
      const seen = fn === undefined || !isHarmless(facts, fn) ? undefined : await filter(arena, fn)
      if (seen === undefined) continue
      arena.report({ ...draft, rule: 'leakproof-false', tables: [seen.table], evidence: [seen.how] })
    }
  },
}

async function filter(
  arena: Arena,
  fn: DatabaseFunction,
): Promise<{ readonly table: string; readonly how: string } | undefined> {
  const { facts, session, contexts } = arena
  const tables = [...facts.tenancy.tables.values()]
    .map(({ relation }) => relation)
    .filter((relation) => relation.rowSecurity && arena.row(relation, 'b') !== undefined)
  for (const relation of tables.slice(0, MOST_TABLES)) {
    const markers = markersOf(arena, [relation])
    for (const role of facts.executors(fn)) {
      // If the policies show B's row anyway, the function reveals nothing more.
      if (await crosses(arena, relation, 'select', role, contexts.a)) continue
      for (const call of calls(fn, relation, (column) =>
        facts.privileges.onColumn(role.role.oid, relation, column, 'SELECT'),
      )) {
        session.takeNotices()
        const answer = await arena.as(role, contexts.a, async () => {
          // Turn index scans off: an index condition on the tenant would drop B's rows before the function sees them.
          await session.run(
            'set local client_min_messages = log; set local enable_indexscan = off; set local enable_bitmapscan = off',
          )
          return await session.text(`select 1 from ${qualifiedName(relation)} where ${call}`)
        })
        const said = [...session.takeNotices(), ...(answer.ok ? [] : [answer.error.message])].join('\n')
        if (!markers.some((marker) => said.includes(marker))) continue
        const where = answer.ok ? 'a notice' : 'its error'
        return {
          table: relation.label,
          how: `as ${role.path.join(' → ')}, tenant A: SELECT on ${relation.label} where ${fn.name}(…) told values of tenant B in ${where}`,
        }
      }
    }
  }
  return undefined
}

/** Calls of the function as a WHERE condition, one for each column whose type fits one of its arguments. */
function calls(
  fn: DatabaseFunction,
  relation: Relation,
  readable: (column: Relation['columns'][number]) => boolean,
): readonly string[] {
  const inputs = fn.arguments.filter((argument) => argument.mode !== 'out' && argument.mode !== 'table')
  return inputs.flatMap((argument, at) =>
    relation.columns
      .filter((column) => column.baseType === argument.baseType && readable(column))
      .map((column) => {
        const list = inputs.map((each, other) => (other === at ? `${quoteIdentifier(column.name)}` : filler(each)))
        const call = `${quoteIdentifier(fn.schema)}.${quoteIdentifier(fn.name)}(${list.join(', ')})`
        return fn.returnType === 'boolean' ? call : `${call} is not null`
      }),
  )
}
