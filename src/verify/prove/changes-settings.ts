import type { Oid } from '../../catalog/model.ts'
import type { Facts } from '../facts.ts'
import type { Expr } from '../sql/tree.ts'
import { type Visitor, walkBody, walkExpression } from '../sql/walk.ts'

/** Whether an expression, or a function that it calls, sets a setting: the context is then what it says. */
export function changesSettings(expr: Expr, facts: Facts): boolean {
  let found = false
  const seen = new Set<Oid>()
  const visit: Visitor = {
    expression: (part) => {
      if (part.kind !== 'call') return
      if (part.name === 'set_config') found = true
      for (const fn of facts.functionsNamed(part.schema, part.name)) {
        if (seen.has(fn.oid) || fn.schema === 'partywall') continue
        seen.add(fn.oid)
        walkBody(facts.sql.body(fn), visit)
      }
    },
    query: (query) => {
      if (query.node === 'VariableSetStmt') found = true
    },
  }
  walkExpression(expr, visit)
  return found
}
