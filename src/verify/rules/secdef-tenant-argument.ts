import type { Relation } from '../../catalog/model.ts'
import type { Query } from '../../sql/tree.ts'
import { walkExpression } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { invokerSql } from '../../tenancy/invoker-sql.ts'
import type { Rule } from '../finding/rule.ts'
import { untilCalled } from '../readings/asks-inside.ts'
import { contextGuard } from '../readings/context-guard.ts'
import { callableDefiners, unheldQueries } from '../readings/definer-code.ts'
import { givenNames, mentions, picksBy } from '../readings/given-names.ts'

/** `UPDATE … SET tenant_id = argument`: the caller chooses the row's new tenant, unless a subquery in WHERE checks it. */
function namesTheTenant(facts: Facts, relation: Relation, query: Query, given: ReadonlySet<string>): boolean {
  const column = facts.tenantTable(relation)?.column?.name
  if (query.kind !== 'update' || facts.relationNamed(query.target?.schema, query.target?.name ?? '') !== relation)
    return false
  let asks = false
  if (query.where !== undefined)
    walkExpression(query.where, {
      expression: (expr) => {
        if (expr.kind === 'subquery' && mentions(expr, given)) asks = true
      },
    })
  return !asks && query.assignments.some((set) => set.name === column && mentions(set.expr, given))
}

export const secdefTenantArgument: Rule = {
  id: 'secdef-tenant-argument',
  group: 'code',
  title: 'A SECURITY DEFINER function lets the caller name the tenant or the row',
  severity: 'critical',
  meaning:
    "The tenant or the row is an argument, no policy applies to the function, and nothing compares it with the session's tenant.",
  remedy: 'Make it SECURITY INVOKER, or compare with IS DISTINCT FROM before anything is read or written.',
  *run(facts) {
    for (const fn of callableDefiners(facts)) {
      const given = givenNames(facts, fn)
      const chosen = unheldQueries(facts, fn).filter(({ query, filtered, verb, relation }) => {
        if (namesTheTenant(facts, relation, query, given)) return true
        if (filtered) return false
        if (query.where !== undefined && picksBy(query.where, given)) return true
        return (
          verb === 'insert' &&
          [...query.values.flat(), ...(query.source?.targets ?? []).map((t) => t.expr)].some((expr) =>
            mentions(expr, given),
          )
        )
      })
      const guard = contextGuard(facts, fn)
      if (chosen.length === 0 || guard === 'strict') continue
      const tables = [...new Set(chosen.map(({ relation }) => relation.label))]
      const how =
        guard === 'none'
          ? "and nothing compares it with the session's tenant"
          : 'and without a tenant in the session the comparison is NULL and raises no error'
      yield {
        object: fn.label,
        ...untilCalled(facts, fn),
        message: `${fn.label} runs as ${facts.roleName(fn.owner)}, and the policies of ${tables.join(', ')} do not apply to it; an argument chooses the tenant or the row, ${how}.`,
        evidence: [
          `callable by ${facts
            .executors(fn)
            .map((role) => role.role.name)
            .join(', ')}`,
        ],
        tables,
        verbs: [...new Set(chosen.map(({ verb }) => verb))],
        fix: invokerSql(facts, fn),
      }
    }
  },
}
