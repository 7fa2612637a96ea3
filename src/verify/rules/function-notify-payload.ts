import type { Column, DatabaseFunction, Relation } from '../../catalog/model.ts'
import type { Expr } from '../../sql/tree.ts'
import { walkBody, walkExpression } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Rule } from '../finding/rule.ts'
import { secrecyOf } from '../readings/secret-columns.ts'
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
      const variables = rowVariables(facts, relation, fn)
      let sends = false
      walkBody(facts.sql.body(fn), {
        expression: (expr) => {
          if (expr.kind !== 'call' || expr.name !== 'pg_notify') return
          const payload = expr.args[1]
          if (payload !== undefined) sends ||= holdsRow(facts, relation, payload, variables)
        },
        statement: (statement) => {
          // The function has put the whole row, as text, into a variable, and sends a notification somewhere.
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

/** Whether the payload contains the whole row, a column that is no id, or a variable that was set from the row or such a column. */
function holdsRow(facts: Facts, relation: Relation, payload: Expr, variables: ReadonlySet<string>): boolean {
  if (wholeRow(payload)) return true
  let found = false
  walkExpression(payload, {
    expression: (part) => {
      if (part.kind !== 'column') return
      if (/^(new|old)$/i.test(part.name)) found = true
      if (part.table === undefined && variables.has(part.name)) found = true
      const column = /^(new|old)$/i.test(part.table ?? '') ? facts.columnNamed(relation, part.name) : undefined
      if (column !== undefined && !isId(facts, relation, column)) found = true
    },
  })
  return found
}

function rowVariables(facts: Facts, relation: Relation, fn: DatabaseFunction): ReadonlySet<string> {
  const names = new Set<string>()
  walkBody(facts.sql.body(fn), {
    statement: (statement) => {
      if (statement.kind !== 'assign' || !statement.value.ok || /^(new|old)$/i.test(statement.target)) return
      if (holdsRow(facts, relation, statement.value.value, names)) names.add(statement.target)
    },
  })
  return names
}

/**
 * Whether a column only identifies a row: the tenant column, or a column that is named like an id and is part of a primary or foreign
 * key. The name alone is not enough: `api_key` and `tax_id` are data of the row.
 */
function isId(facts: Facts, relation: Relation, column: Column): boolean {
  if (column === facts.tenantTable(relation)?.column) return true
  if (secrecyOf(relation, column) !== undefined) return false
  if (/^(id|uuid)$/i.test(column.name)) return true
  const keyed = relation.constraints.some(
    ({ kind, columns }) => (kind === 'primary-key' || kind === 'foreign-key') && columns.includes(column.number),
  )
  return keyed && /(^|_)(id|uuid|key)$|[a-z](Id|Uuid|UUID|Key)$/.test(column.name)
}
