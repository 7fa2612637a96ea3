import type { Expr } from '../../sql/tree.ts'
import { walkBody, walkExpression } from '../../sql/walk.ts'
import type { Rule } from '../finding/rule.ts'
import { canFire, tenantTriggers } from '../readings/trigger-code.ts'

const WHOLE_ROWS = /^(row_to_json|to_jsonb?|jsonb?_build_(object|array)|hstore)$/

export const functionNotifyPayload: Rule = {
  id: 'function-notify-payload',
  group: 'code',
  title: 'Rows are sent to every session that listens',
  severity: 'medium',
  meaning: 'LISTEN needs no privilege: every session of every tenant receives the payload.',
  remedy: 'Send an id or nothing; a listener that may see the row can read it.',
  *run(facts) {
    const seen = new Set<string>()
    for (const { relation, trigger, fn } of tenantTriggers(facts)) {
      if (!canFire(facts, relation, trigger) || seen.has(fn.label)) continue
      let sends = false
      walkBody(facts.sql.body(fn), {
        expression: (expr) => {
          if (expr.kind !== 'call' || expr.name !== 'pg_notify') return
          const payload = expr.args[1]
          if (payload !== undefined)
            sends ||= holdsRow(
              payload,
              relation.columns.map((column) => column.name),
            )
        },
        statement: (statement) => {
          // The row was turned into text in a variable before.
          if (
            statement.kind === 'assign' &&
            statement.value.ok &&
            wholeRow(statement.value.value) &&
            /pg_notify|notify/i.test(fn.source)
          )
            sends = true
        },
      })
      if (!sends) continue
      seen.add(fn.label)
      yield {
        object: fn.label,
        message: `${fn.label} (trigger ${trigger.name} on ${relation.label}) sends row data with pg_notify: sessions of other tenants can LISTEN.`,
        evidence: [`fired by ${trigger.events.join(', ')} on ${relation.label}`],
        fix: `-- Rewrite ${fn.signature}: notify an id, not the row.`,
      }
    }
  },
}

function wholeRow(expr: Expr): boolean {
  let found = false
  walkExpression(expr, {
    expression: (part) => {
      if (part.kind === 'call' && WHOLE_ROWS.test(part.name)) found ||= part.args.some((arg) => mentionsRow(arg))
    },
  })
  return found
}

function mentionsRow(expr: Expr): boolean {
  let found = false
  walkExpression(expr, {
    expression: (part) => {
      if (part.kind === 'column' && (/^(new|old)$/i.test(part.name) || /^(new|old)$/i.test(part.table ?? '')))
        found = true
    },
  })
  return found
}

/** A whole row, or a column of it that is no id. */
function holdsRow(payload: Expr, columns: readonly string[]): boolean {
  if (wholeRow(payload)) return true
  let found = false
  walkExpression(payload, {
    expression: (part) => {
      if (part.kind !== 'column') return
      if (/^(new|old)$/i.test(part.name)) found = true
      const ofRow = /^(new|old)$/i.test(part.table ?? '') && columns.includes(part.name)
      if (ofRow && !/(^|_)(id|uuid|key)$/i.test(part.name)) found = true
    },
  })
  return found
}
