import type { DatabaseFunction } from '../../catalog/model.ts'
import type { Expr, Query } from '../../sql/tree.ts'
import { walkBody, walkExpression } from '../../sql/walk.ts'
import { contextSettings } from '../../tenancy/context-settings.ts'
import { functionFinder, settingsIn } from '../../tenancy/discovery/settings.ts'
import type { Facts } from '../../tenancy/facts.ts'

/** True when the value comes from the tenant's context: the setting, the seal, a helper that reads it, or a variable set from it. */
export function readsContext(facts: Facts, expr: Expr, names: ReadonlySet<string> = new Set()): boolean {
  const settings = contextSettings(facts)
  let reads = settingsIn(expr, facts.sql, functionFinder(facts.catalog)).some((use) => settings.has(use.setting))
  walkExpression(expr, {
    expression: (part) => {
      if (part.kind === 'call' && part.schema === 'partywall' && part.name === 'tenant_id') reads = true
      if (part.kind === 'column' && (names.has(part.name) || (part.table !== undefined && names.has(part.table))))
        reads = true
    },
  })
  return reads
}

/** Variables of a body that were set from the context. */
export function contextNames(facts: Facts, fn: DatabaseFunction): ReadonlySet<string> {
  const names = new Set<string>()
  const body = facts.sql.body(fn)
  if (body.kind !== 'plpgsql') return names
  for (const variable of body.variables) {
    if (variable.default?.ok === true && readsContext(facts, variable.default.value)) names.add(variable.name)
  }
  walkBody(body, {
    statement: (statement) => {
      if (statement.kind === 'assign' && statement.value.ok && readsContext(facts, statement.value.value, names)) {
        names.add(statement.target)
      }
      // INSERT INTO tenants … RETURNING id INTO variable: the function created this tenant itself, so its rows belong to no existing
      // tenant.
      if (statement.kind === 'sql' && statement.query.ok && makesTenant(facts, statement.query.value))
        for (const into of statement.into) names.add(into)
      if (statement.kind === 'sql' && statement.query.ok && statement.into.length > 0) {
        statement.query.value.targets.forEach((target, at) => {
          const into = statement.into[at]
          if (into !== undefined && readsContext(facts, target.expr, names)) names.add(into)
        })
      }
    },
  })
  return names
}

function makesTenant(facts: Facts, { kind, target }: Query): boolean {
  const root = facts.tenancy.root?.relation
  return kind === 'insert' && root !== undefined && facts.relationNamed(target?.schema, target?.name ?? '') === root
}
